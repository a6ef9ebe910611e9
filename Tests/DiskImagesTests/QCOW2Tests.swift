import BlockDevices
import Bytes
import DiskImages
import Foundation
import SystemPackage
import TestSupport
import Testing

/// qcow2 images of every option of qemu-img, with what qemu-io writes at odd places.
@Suite struct QCOW2Tests {
  private let shop: QemuWorkshop
  init() throws { shop = try QemuWorkshop() }

  static let options: [[String]] =
    [9, 10, 12, 14, 16, 17, 21].map { ["cluster_size=\(1 << $0)"] }
    + [
      [], ["compat=0.10"], ["compat=0.10,cluster_size=512"], ["compression_type=zstd"],
      ["compression_type=zstd,cluster_size=2M"], ["extended_l2=on"], ["extended_l2=on,cluster_size=16k"],
      ["extended_l2=on,cluster_size=2M,compression_type=zstd"], ["lazy_refcounts=on"], ["refcount_bits=1"],
      ["refcount_bits=64"], ["data_file=disk.data"], ["data_file=disk.data,data_file_raw=on"],
      ["data_file=disk.data,extended_l2=on"], ["data_file=disk.data,cluster_size=4k"],
    ]
    + ["off", "metadata", "falloc", "full"].flatMap { kind in
      [
        ["preallocation=\(kind)"], ["preallocation=\(kind),cluster_size=4k"],
        ["preallocation=\(kind),extended_l2=on,cluster_size=32k"],
      ]
    }

  /// Ends within a cluster of any size but the least.
  private static let size: UInt64 = 6 << 20 | 3 << 9

  /// What there is to write, at places that begin and end anywhere.
  private static func commands(_ option: String) -> [String] {
    let cluster: UInt64 =
      switch option.firstMatch(of: /cluster_size=(\d+)([kM]?)/).map({ (UInt64($0.1) ?? 0, $0.2) }) {
      case (let count, "k")?: count << 10
      case (let count, "M")?: count << 20
      case (let count, _)?: count
      case nil: 65536
      }
    var commands = [
      "write -P 1 0 70001", "write -P 2 200001 1", "write -P 3 \(size - 1000) 1000", "write -P 4 1m 333333",
      "write -z 1100000 66000", "write -z -u 1200000 5000", "discard 1m 8k", "discard 1179648 64k",
      "write -P 5 2097151 2", "write -z 3m 1m", "write -P 6 3500000 100000", "write -z -u 64k 128k",
    ]
    // What is allocated cannot be compressed, nor what lies in a file of its own.
    if !option.contains("data_file") && !option.contains("preallocation") || option.contains("preallocation=off") {
      let start = (4 << 20) / cluster * cluster
      for index in 0..<min(6, (1 << 21) / cluster) {
        commands.append("write -c -P \(index + 10) \(start + index * cluster) \(cluster)")
      }
      commands.append("write -P 9 \(start + 100) 50")
    }
    return commands
  }

  @Test(arguments: options)
  func readsWhatQemuReads(options: [String]) throws {
    try shop.create("disk.qcow2", size: Self.size, options: options)
    try shop.compare("disk.qcow2")
    try shop.io("disk.qcow2", Self.commands(options.first ?? ""))
    try shop.compare("disk.qcow2", seed: 1)

    let image = try shop.open("disk.qcow2")
    #expect(image.format == .qcow2)
    #expect(image.disk.size == Self.size)
    let specific = Dictionary(uniqueKeysWithValues: image.summary.specific.map { ($0.key, $0.value.text) })
    #expect(try specific == shop.specific("disk.qcow2"))
    #expect(image.files.count == (options.first?.contains("data_file") == true ? 2 : 1))
    #expect(image.summary.notices.isEmpty)
  }

  @Test(
    arguments: [
      "cluster_size=512", "cluster_size=64k", "cluster_size=2M", "compression_type=zstd",
      "compression_type=zstd,cluster_size=4k", "extended_l2=on,compression_type=zstd", "compat=0.10",
    ])
  func readsWhatIsCompressed(option: String) throws {
    try fillRaw("disk.raw", size: Self.size, seed: 7)
    try shop.img("convert", "-c", "-f", "raw", "-O", "qcow2", "-o", option, "disk.raw", "disk.qcow2")
    try shop.compare("disk.qcow2")
    let image = try shop.open("disk.qcow2")
    #expect(image.summary.compression == (option.contains("zstd") ? "zstd" : "zlib"))
    var options = ImageOptions()
    options.units = UnitCache()
    try compareWithQemu(shop.path("disk.qcow2"), options: options, seed: 3)
  }

  /// A raw disk of text, noise and holes in turn.
  private func fillRaw(_ name: String, size: UInt64, seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(Int(size))
    while bytes.count < size {
      let count = min(Int(size) - bytes.count, Int.random(in: 1...150_000, using: &random))
      switch Int.random(in: 0..<3, using: &random) {
      case 0: bytes += [UInt8](repeating: 0, count: count)
      case 1: bytes += (0..<count).map { UInt8($0 / 40 % 64 + 32) }
      default: bytes += (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
      }
    }
    try Data(bytes).write(to: URL(fileURLWithPath: shop.path(name)))
  }

  @Test func countsWhatIsAllocated() throws {
    try shop.create("disk.qcow2", size: 10 << 20)
    #expect(try shop.open("disk.qcow2").summary.allocatedSize == 0)
    try shop.io("disk.qcow2", ["write 0 1", "write -c 1m 64k", "write -z 2m 64k", "write 3m 100k"])
    let image = try shop.open("disk.qcow2")
    #expect(image.summary.allocatedSize == 4 * 65536)
    #expect(image.summary.clusterSize == 65536)
    #expect(image.summary.variant == "version 3")
  }

  @Test func dirtyAndCorruptAreSaid() throws {
    try shop.create("disk.qcow2", size: 1 << 20, options: ["lazy_refcounts=on"])
    try shop.io("disk.qcow2", ["write -P 7 0 100k"])
    try shop.patch("disk.qcow2", (72, be(UInt64(1))))
    var image = try shop.open("disk.qcow2")
    #expect(image.summary.isDirty && !image.summary.isCorrupt)
    #expect(image.allNotices.count == 1)
    #expect(try image.disk.bytes(3, at: 0) == [7, 7, 7])
    try shop.patch("disk.qcow2", (72, be(UInt64(2))))
    image = try shop.open("disk.qcow2")
    #expect(!image.summary.isDirty && image.summary.isCorrupt)
    #expect(image.allNotices.count == 1)
    try compareWithQemu(shop.path("disk.qcow2"))
  }

  @Test func bitmapsAndUnknownCompatibleFeaturesArePassedOver() throws {
    try shop.create("disk.qcow2", size: 1 << 20)
    try shop.img("bitmap", "--add", "disk.qcow2", "changes")
    try shop.io("disk.qcow2", ["write -P 7 0 100k"])
    try shop.patch("disk.qcow2", (80, be(UInt64(0xF0F0))), (88, be(UInt64(1) << 60 | 1)))
    try shop.compare("disk.qcow2")
  }

  @Test func aDataFileMayBeAnotherName() throws {
    try shop.create("disk.qcow2", size: 1 << 20, options: ["data_file=\(shop.path)/disk.data"])
    try shop.io("disk.qcow2", ["write -P 7 65536 100k"])
    try shop.compare("disk.qcow2")
    let image = try shop.open("disk.qcow2")
    #expect(image.summary.compression == nil)
    #expect(image.files.map(\.path.lastComponent?.string) == ["disk.qcow2", "disk.data"])
    try FileManager.default.removeItem(atPath: shop.path("disk.data"))
    let error = #expect(throws: ImageError.self) { try shop.open("disk.qcow2") }
    #expect(error?.exitStatus == 66)
  }
}

extension ImageFact {
  /// As text, however it is typed.
  var text: String {
    switch self {
    case .text(let text): text
    case .number(let number): String(number)
    case .flag(let flag): String(flag)
    case .none: "null"
    case .list(let facts): "\(facts.map(\.text))"
    case .record(let facts): "\(facts.map { "\($0.key): \($0.value.text)" })"
    }
  }
}
