import BlockDevices
import Bytes
import DiskImages
import Foundation
import SystemPackage
import TestSupport
import Testing

/// qcow images, version 1.
@Suite struct QCOWTests {
  private let shop: QemuWorkshop
  init() throws { shop = try QemuWorkshop() }

  @Test func readsWhatQemuReads() throws {
    try shop.create("disk.qcow", format: "qcow", size: 6 << 20 | 512)
    try shop.compare("disk.qcow")
    try shop.io(
      "disk.qcow", format: "qcow",
      [
        "write -P 1 0 70001", "write -P 2 200001 1", "write -P 3 6291000 968", "write -c -P 4 1m 4k",
        "write -c -P 5 1052672 4k", "write -P 6 1052700 3",
      ])
    try shop.compare("disk.qcow", seed: 1)
    let image = try shop.open("disk.qcow")
    #expect(image.format == .qcow)
    #expect(image.summary.variant == "version 1")
    #expect(image.summary.clusterSize == 4096)
    #expect(try shop.specific("disk.qcow").isEmpty && image.summary.specific.isEmpty)
  }

  @Test func readsWhatIsCompressed() throws {
    var bytes = (0..<(3 << 20)).map { UInt8($0 / 50 % 90) }
    var random = SeededGenerator(seed: 4)
    for index in (1 << 20)..<(2 << 20) { bytes[index] = UInt8.random(in: 0...255, using: &random) }
    try Data(bytes).write(to: URL(fileURLWithPath: shop.path("disk.raw")))
    // It says that it failed, when all is written.
    _ = try? shop.img("convert", "-c", "-f", "raw", "-O", "qcow", "disk.raw", "disk.qcow")
    try shop.img("compare", "disk.raw", "disk.qcow")
    try shop.compare("disk.qcow")
  }

  /// With a backing file, clusters are of 512 bytes.
  @Test func readsBackingFiles() throws {
    try shop.create("base.qcow", format: "qcow", size: 1 << 20 | 512)
    try shop.io("base.qcow", format: "qcow", ["write -P 1 3 99999", "write -P 2 1048576 512"])
    try shop.create("top.qcow", format: "qcow", backing: "base.qcow", backingFormat: "qcow")
    try shop.io("top.qcow", format: "qcow", ["write -P 3 50000 3", "write -P 3 1m 1"])
    try shop.compare("top.qcow")
    let image = try shop.open("top.qcow")
    #expect(image.summary.clusterSize == 512)
    #expect(image.summary.parentName == "base.qcow")
    #expect(image.parent?.format == .qcow)
  }

  @Test(
    arguments: [
      (32, [8], 65, "clusters of 2^8"), (32, [17], 65, "clusters of 2^17"), (32, [255], 65, "clusters of 2^255"),
      (33, [5], 65, "2^5 entries"), (33, [14], 65, "2^14 entries"), (36, be(UInt32(1)), 69, "encrypted (AES)"),
      (36, be(UInt32(9)), 69, "number 9"), (24, be(UInt64.max), 65, "says that the disk has"),
      (24, be(UInt64(1) << 61), 65, "past the end"), (40, be(UInt64.max), 65, "past the end"),
      (40, be(UInt64(1) << 40), 65, "past the end"), (40, be(UInt64(8)), 65, "in its header"),
      (8, be(UInt64(1) << 40) + be(UInt32(5)), 65, "past the end"), (8, be(UInt64(7)), 65, "a name of"),
      (8, be(UInt64(100)) + be(UInt32(1024)), 65, "a name of 1024 bytes"),
    ] as [(UInt64, [UInt8], Int32, String)])
  func headerIsChecked(offset: UInt64, bytes: [UInt8], status: Int32, text: String) throws {
    try shop.create("disk.qcow", format: "qcow", size: 1 << 20)
    try shop.patch("disk.qcow", (offset, bytes))
    let error = #expect(throws: ImageError.self) { try shop.open("disk.qcow") }
    #expect(error?.exitStatus == status)
    #expect(error?.text.contains(text) == true, "\(error?.text ?? "")")
  }

  @Test(arguments: [1 << 40, 5, (1 << 63) - 4096, 1 << 63 | 1 << 40, 1 << 63 | 20, .max, 1 << 63 | 5000] as [UInt64])
  func entriesOfClusters(value: UInt64) throws {
    try shop.create("disk.qcow", format: "qcow", size: 1 << 20)
    try shop.io("disk.qcow", format: "qcow", ["write -P 1 0 64k"])
    let table = try shop.be64("disk.qcow", at: shop.be64("disk.qcow", at: 40))
    try shop.patch("disk.qcow", (table + 8, be(value)))
    var disk = try shop.open("disk.qcow").disk
    #expect(throws: ReadError.self) { try disk.bytes(1, at: 4096) }
    #expect(throws: ReadError.self) { try disk.bytes(4097, at: 0) }
    #expect(try disk.bytes(1, at: 8192) == [1])
    try shop.patch("disk.qcow", (try shop.be64("disk.qcow", at: 40), be(value)))
    disk = try shop.open("disk.qcow").disk
    #expect(throws: ReadError.self) { try disk.bytes(1, at: 0) }
  }

  @Test func truncation() throws {
    try shop.create("disk.qcow", format: "qcow", size: 1 << 20)
    try shop.io("disk.qcow", format: "qcow", ["write -P 1 0 64k"])
    let bytes = try shop.bytes("disk.qcow")
    for count in stride(from: 8, to: bytes.count, by: 1021) {
      try Data(bytes.prefix(count)).write(to: URL(fileURLWithPath: shop.path("disk.qcow")))
      guard let disk = try? shop.open("disk.qcow").disk else { continue }
      #expect(throws: ReadError.self, "\(count) bytes") { try disk.bytes(65536, at: 0) }
    }
  }
}

/// QED images.
@Suite struct QEDTests {
  private let shop: QemuWorkshop
  init() throws { shop = try QemuWorkshop() }

  @Test(arguments: [[], ["cluster_size=4k"], ["cluster_size=4k,table_size=2"], ["cluster_size=1M,table_size=16"]])
  func readsWhatQemuReads(options: [String]) throws {
    try shop.create("disk.qed", format: "qed", size: 6 << 20 | 512, options: options)
    try shop.compare("disk.qed")
    try shop.io(
      "disk.qed", format: "qed",
      ["write -P 1 0 70001", "write -P 2 200001 1", "write -P 3 6291000 968", "write -z 64k 64k", "write -z 2m 1m"])
    try shop.compare("disk.qed", seed: 1)
    let image = try shop.open("disk.qed")
    #expect(image.format == .qed)
    #expect(try shop.specific("disk.qed").isEmpty && image.summary.specific.isEmpty)
    #expect(image.summary.notices.isEmpty)
    try shop.patch("disk.qed", (16, [2]))
    let dirty = try shop.open("disk.qed")
    #expect(dirty.summary.isDirty)
    #expect(dirty.summary.notices.count == 1)
    #expect(try dirty.disk.bytes(1, at: 200_001) == [2])
  }

  @Test func readsBackingFiles() throws {
    try shop.create("base.raw", format: "raw", size: 1 << 20 | 512)
    try shop.io("base.raw", format: "raw", ["write -P 1 3 99999", "write -P 2 1048576 512"])
    try shop.create("middle.qed", format: "qed", backing: "base.raw", backingFormat: "raw")
    try shop.io("middle.qed", format: "qed", ["write -P 3 50000 3", "write -z 256k 64k"])
    try shop.create("top.qed", format: "qed", size: 2 << 20, backing: "middle.qed", backingFormat: "qed")
    try shop.compare("top.qed")
    try shop.io("top.qed", format: "qed", ["write -P 4 1m 1"])
    try shop.compare("top.qed")
    let image = try shop.open("top.qed")
    #expect(image.parent?.format == .qed)
    #expect(image.parent?.parent?.format == .raw)
  }

  /// The flag that forbids to look for a format in the backing file's content.
  @Test func rawIsNeverProbed() throws {
    try shop.create("inner.qcow2", size: 1 << 20)
    try shop.create("top.qed", format: "qed", backing: "inner.qcow2", backingFormat: "raw")
    #expect(try shop.open("top.qed").disk.bytes(3, at: 0) == Array("QFI".utf8))
    try shop.patch("top.qed", (16, [1]))
    #expect(try shop.open("top.qed").parent?.format == .qcow2)
  }

  @Test func namesLieInTheHeader() throws {
    try shop.create("base.raw", format: "raw", size: 1 << 20)
    try shop.create("top.qed", format: "qed", backing: "base.raw", backingFormat: "raw")
    for (offset, bytes) in [
      (56, le(UInt32.max)), (56, le(UInt32(65530))), (60, le(UInt32.max)), (60, le(UInt32(1024))),
    ]
      as [(UInt64, [UInt8])]
    {
      let before = Array(try shop.bytes("top.qed")[Int(offset)..<Int(offset) + 4])
      try shop.patch("top.qed", (offset, bytes))
      let error = #expect(throws: ImageError.self) { try shop.open("top.qed") }
      #expect(error?.text.contains("name does not lie within the header") == true)
      try shop.patch("top.qed", (offset, before))
    }
    #expect(try shop.open("top.qed").parent?.format == .raw)
  }

  @Test(
    arguments: [
      (4, le(UInt32(0)), 65, "clusters of 0"), (4, le(UInt32(2048)), 65, "clusters of 2048"),
      (4, le(UInt32(4097)), 65, "clusters of 4097"), (4, le(UInt32(1 << 27)), 65, "clusters of"),
      (8, le(UInt32(3)), 65, "tables of 3"), (8, le(UInt32(32)), 65, "tables of 32"),
      (8, le(UInt32(0)), 65, "tables of 0"),
      (12, le(UInt32(0)), 65, "header of 0"), (12, le(UInt32.max), 65, "header of 4294967295"),
      (16, le(UInt64(8)), 69, "number 3"), (40, le(UInt64(0)), 65, "L1 table in its header"),
      (40, le(UInt64(65537)), 65, "not at a cluster"), (40, le(UInt64(1) << 40), 65, "past the end"),
      (40, le(UInt64.max << 16), 65, "past the end"), (48, le(UInt64.max), 65, "says that the disk has"),
      (48, le(UInt64(1) << 61), 65, "more than its tables"), (48, le(UInt64(513)), 65, "says that the disk has"),
    ] as [(UInt64, [UInt8], Int32, String)])
  func headerIsChecked(offset: UInt64, bytes: [UInt8], status: Int32, text: String) throws {
    try shop.create("disk.qed", format: "qed", size: 1 << 20)
    try shop.patch("disk.qed", (offset, bytes))
    let error = #expect(throws: ImageError.self) { try shop.open("disk.qed") }
    #expect(error?.exitStatus == status, "\(error?.text ?? "")")
    #expect(error?.text.contains(text) == true, "\(error?.text ?? "")")
  }

  @Test(arguments: [1 << 40, 2, 512, 4096, .max, 65537, .max << 16] as [UInt64])
  func entries(value: UInt64) throws {
    try shop.create("disk.qed", format: "qed", size: 1 << 20)
    try shop.io("disk.qed", format: "qed", ["write -P 1 0 256k"])
    let bytes = try shop.bytes("disk.qed")
    let root = bytes[40..<48].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    let table = bytes[Int(root)..<Int(root) + 8].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    try shop.patch("disk.qed", (table + 8, le(value)))
    let disk = try shop.open("disk.qed").disk
    #expect(throws: ReadError.self) { try disk.bytes(1, at: 65536) }
    #expect(try disk.bytes(1, at: 65535) == [1])
    #expect(try disk.bytes(1, at: 131072) == [1])
    try shop.patch("disk.qed", (root, le(value)))
    let lost = try shop.open("disk.qed").disk
    #expect(throws: ReadError.self) { try lost.bytes(1, at: 0) }
  }
}
