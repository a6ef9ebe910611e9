import BlockDevices
import Bytes
@testable import DiskImages
import Foundation
import SystemPackage
import TestSupport
import Testing

/// VMDK images that qemu-img makes and qemu-io writes into.
@Suite struct VMDKTests {
  static let subformats = [
    "monolithicSparse", "monolithicFlat", "twoGbMaxExtentSparse", "twoGbMaxExtentFlat", "streamOptimized",
  ]
  private let folder: TemporaryDirectory
  init() throws { folder = try TemporaryDirectory() }

  private func path(_ name: String) -> String { folder.path + "/" + name }

  /// A raw disk with data and holes at random places, of `size` bytes.
  private func raw(_ name: String, size: UInt64, seed: UInt64) throws -> String {
    var random = SeededGenerator(seed: seed)
    var commands: [String] = []
    for _ in 0..<12 {
      let range = random.range(in: size, largest: 300_000)
      let count = range.upperBound - range.lowerBound
      commands += ["-c", "write -q -P \(UInt8.random(in: 1...255, using: &random)) \(range.lowerBound) \(count)"]
    }
    let path = path(name)
    try runSuccessfully(["truncate", "-s", "\(size)", path])
    try runSuccessfully(["qemu-io", "-f", "raw"] + commands + [path])
    return path
  }

  private func info(_ path: String) throws -> [String: Any] {
    let output = try runSuccessfully(["qemu-img", "info", "--output=json", path]).output
    return try #require(try JSONSerialization.jsonObject(with: Data(output.utf8)) as? [String: Any])
  }

  @Test(arguments: subformats)
  func everySubformatIsReadAsQemuReadsIt(subformat: String) throws {
    for (index, size) in [UInt64(5 << 20), 3_000_320, 512, 65536].enumerated() {
      let raw = try raw("\(index).raw", size: size, seed: 7 + UInt64(index))
      let image = path("\(index).vmdk")
      try runSuccessfully(["qemu-img", "convert", "-O", "vmdk", "-o", "subformat=\(subformat)", raw, image])
      try compareWithQemu(image, seed: size)
      #expect(try DiskImage(opening: FilePath(image)).format == .vmdk)
    }
  }

  @Test(arguments: subformats)
  func factsAreThoseOfQemu(subformat: String) throws {
    let raw = try raw("raw", size: 4 << 20, seed: 3)
    let image = path("disk.vmdk")
    try runSuccessfully(["qemu-img", "convert", "-O", "vmdk", "-o", "subformat=\(subformat)", raw, image])
    let opened = try DiskImage(opening: FilePath(image))
    let told = try #require(try info(image)["format-specific"] as? [String: Any])["data"] as? [String: Any]
    let expected = try JSONSerialization.data(withJSONObject: try #require(told), options: .sortedKeys)
    let found = try JSONSerialization.data(
      withJSONObject: Self.json(.record(opened.summary.specific)), options: .sortedKeys)
    #expect(String(decoding: found, as: UTF8.self) == String(decoding: expected, as: UTF8.self))
    #expect(opened.summary.variant == subformat)
    #expect(opened.summary.clusterSize.map(Int.init) == (try info(image)["cluster-size"] as? Int))
    #expect(opened.summary.notices.isEmpty)
    #expect(opened.summary.compression == (subformat == "streamOptimized" ? "zlib" : nil))
    #expect(opened.summary.creator == "virtual hardware 4, adapter ide")
  }

  private static func json(_ fact: ImageFact) -> Any {
    switch fact {
    case .text(let text): text
    case .number(let number): number
    case .flag(let flag): flag
    case .none: NSNull()
    case .list(let facts): facts.map(json)
    case .record(let facts): Dictionary(uniqueKeysWithValues: facts.map { ($0.key, json($0.value)) })
    }
  }

  /// What qemu-img map says of each byte is what the maps say: data, zero, and absent.
  @Test(arguments: ["monolithicSparse", "twoGbMaxExtentSparse", "streamOptimized", "monolithicFlat"])
  func whatIsDataZeroAndAbsentIsAsQemuHasIt(subformat: String) throws {
    let image = path("disk.vmdk")
    if subformat.hasSuffix("Sparse") {
      try runSuccessfully([
        "qemu-img", "create", "-q", "-f", "vmdk", "-o", "zeroed_grain=on,subformat=\(subformat)", image, "6M",
      ])
      try runSuccessfully([
        "qemu-io", "-f", "vmdk", "-c", "write -P 1 0 1000", "-c", "write -P 2 1M 200k", "-c", "write -z 2M 128k",
        "-c", "write -P 3 3000001 5", "-c", "write -z 1M 64k", image,
      ])
      let opened = try DiskImage(opening: FilePath(image))
      // 1000 bytes are one grain; 200 KiB are four, of which the first became zeros; 5 bytes are one.
      #expect(opened.summary.allocatedSize == 65536 * (1 + 3 + 1))
    } else {
      let raw = try raw("raw", size: 6 << 20, seed: 8)
      try runSuccessfully(["qemu-img", "convert", "-O", "vmdk", "-o", "subformat=\(subformat)", raw, image])
    }
    try compareWithQemu(image)
    let expected = try qemuMap(image)
    let found = try ourMap(image)
    // qemu-img asks the host for holes in flat extents, and calls what they are in absent.
    if subformat == "monolithicFlat" {
      #expect(found == [MapEntry(start: 0, length: 6 << 20, isPresent: true, isZero: false)])
    } else {
      #expect(found == expected)
    }
  }

  private struct MapEntry: Codable, Equatable {
    let start: UInt64
    var length: UInt64
    let isPresent: Bool
    let isZero: Bool

    private enum CodingKeys: String, CodingKey {
      case start, length
      case isPresent = "present"
      case isZero = "zero"
    }
  }

  private func qemuMap(_ image: String) throws -> [MapEntry] {
    let output = try runSuccessfully(["qemu-img", "map", "--output=json", image]).output
    return joined(try JSONDecoder().decode([MapEntry].self, from: Data(output.utf8)))
  }

  private func ourMap(_ image: String) throws -> [MapEntry] {
    let map = try #require(try DiskImage(opening: FilePath(image)).disk as? ComposedDevice<VMDK>).map
    var entries: [MapEntry] = []
    var position: UInt64 = 0
    var list = ExtentList(limit: 7)
    while position < map.size {
      list.removeAll()
      try map.map(position..<map.size, into: &list)
      #expect(list.extents.count <= 7)
      for extent in list.extents {
        entries.append(
          MapEntry(
            start: position, length: extent.length, isPresent: extent.kind != .hole,
            isZero: extent.kind == .hole || extent.kind == .unwritten))
        position += extent.length
      }
    }
    return joined(entries)
  }

  /// Without borders between entries that say the same.
  private func joined(_ entries: [MapEntry]) -> [MapEntry] {
    entries.reduce(into: []) { result, entry in
      if let last = result.last, last.isPresent == entry.isPresent, last.isZero == entry.isZero {
        result[result.count - 1].length += entry.length
      } else {
        result.append(entry)
      }
    }
  }

  @Test func writesAtOddPlacesAreRead() throws {
    var random = SeededGenerator(seed: 99)
    for subformat in ["monolithicSparse", "twoGbMaxExtentSparse"] {
      let image = path("\(subformat).vmdk")
      try runSuccessfully(["qemu-img", "create", "-q", "-f", "vmdk", "-o", "subformat=\(subformat)", image, "2200M"])
      var commands: [String] = []
      for _ in 0..<25 {
        let range = random.range(in: 2200 << 20, largest: 400_000)
        commands += ["-c", "write -q -P 7 \(range.lowerBound) \(range.upperBound - range.lowerBound)"]
      }
      // Over the border of the two extents.
      commands += ["-c", "write -q -P 9 \(0x8000_0000 - 70_001) 140002"]
      try runSuccessfully(["qemu-io", "-f", "vmdk"] + commands + [image])
      let raw = path("\(subformat).raw")
      try runSuccessfully(["qemu-img", "convert", "-O", "raw", image, raw])
      let opened = try DiskImage(opening: FilePath(image))
      #expect(opened.files.count == (subformat == "monolithicSparse" ? 1 : 3))
      let expected = try HostFile(opening: FilePath(raw))
      #expect(opened.disk.size == expected.size)
      for _ in 0..<300 {
        let range = random.range(in: opened.disk.size, largest: 300_000)
        let count = range.upperBound - range.lowerBound
        #expect(
          try opened.disk.bytes(Int(count), at: range.lowerBound) == expected.bytes(Int(count), at: range.lowerBound))
      }
      let border: UInt64 = 0x8000_0000 - 100_000
      #expect(try opened.disk.bytes(200_000, at: border) == expected.bytes(200_000, at: border))
    }
  }

  @Test func aChildReadsWhatItsParentsHold() throws {
    let base = try raw("base.raw", size: 3 << 20, seed: 5)
    try runSuccessfully(["qemu-img", "convert", "-O", "vmdk", base, path("base.vmdk")])
    try runSuccessfully(
      ["qemu-img", "create", "-q", "-f", "vmdk", "-F", "vmdk", "-b", "base.vmdk", "-o", "zeroed_grain=on", "mid.vmdk"],
      in: folder.url)
    try runSuccessfully(
      ["qemu-io", "-f", "vmdk", "-c", "write -P 5 1000000 100000", "-c", "write -z 0 256k", path("mid.vmdk")])
    // Larger than its parent.
    try runSuccessfully(
      ["qemu-img", "create", "-q", "-f", "vmdk", "-F", "vmdk", "-b", "mid.vmdk", "top.vmdk", "5M"], in: folder.url)
    try runSuccessfully(["qemu-io", "-f", "vmdk", "-c", "write -P 6 3100000 200000", path("top.vmdk")])
    try compareWithQemu(path("top.vmdk"), seed: 1)
    let opened = try DiskImage(opening: FilePath(path("top.vmdk")))
    #expect(opened.parent?.parent?.parent == nil)
    #expect(opened.parent?.parent?.path.lastComponent == "base.vmdk")
    #expect(opened.summary.parentName == "mid.vmdk")
  }

  @Test func aChildInSeveralPartsReadsItsParentAtTheRightPlace() throws {
    try runSuccessfully(["qemu-img", "create", "-q", "-f", "vmdk", path("base.vmdk"), "2100M"])
    let border: UInt64 = 0x8000_0000
    try runSuccessfully([
      "qemu-io", "-f", "vmdk", "-c", "write -P 1 \(border - 100_000) 200000", path("base.vmdk"),
    ])
    try runSuccessfully(
      [
        "qemu-img", "create", "-q", "-f", "vmdk", "-F", "vmdk", "-b", "base.vmdk", "-o",
        "subformat=twoGbMaxExtentSparse", "top.vmdk",
      ], in: folder.url)
    // A whole grain: qemu 7.2 fills up one of the second extent from the wrong place of the parent.
    try runSuccessfully(["qemu-io", "-f", "vmdk", "-c", "write -P 2 \(border + 65_536) 65536", path("top.vmdk")])
    let disk = try DiskImage(opening: FilePath(path("top.vmdk"))).disk
    let expected: [UInt8] = [(0, 50_000), (1, 100_000 + 65_536), (2, 34_464), (2, 31_072), (0, 1000)]
      .flatMap { Array(repeating: $0.0, count: $0.1) }
    #expect(try disk.bytes(expected.count, at: border - 150_000) == expected)
  }

  @Test func aParentThatWasChangedIsRefused() throws {
    try runSuccessfully(["qemu-img", "create", "-q", "-f", "vmdk", path("base.vmdk"), "1M"])
    try runSuccessfully(
      ["qemu-img", "create", "-q", "-f", "vmdk", "-F", "vmdk", "-b", "base.vmdk", "top.vmdk"], in: folder.url)
    #expect(try DiskImage(opening: FilePath(path("top.vmdk"))).allNotices.isEmpty)
    // A write gives the parent a new content ID.
    try runSuccessfully(["qemu-io", "-f", "vmdk", "-c", "write -P 6 0 1000", path("base.vmdk")])
    let error = try #require(throws: ImageError.self) { try DiskImage(opening: FilePath(path("top.vmdk"))) }
    #expect(error.exitStatus == 65)
    #expect(error.text.contains("is another, or was changed since"))
    var options = ImageOptions()
    options.backingFile = FilePath(path("base.vmdk"))
    let opened = try DiskImage(opening: FilePath(path("top.vmdk")), options: options)
    #expect(opened.summary.notices.count == 1)
    #expect(try opened.disk.bytes(1, at: 999) == [6])
  }

  @Test func vmdkinfoSaysTheSame() throws {
    for subformat in Self.subformats {
      let image = path("\(subformat).vmdk")
      try runSuccessfully(["qemu-img", "create", "-q", "-f", "vmdk", "-o", "subformat=\(subformat)", image, "5M"])
      let output = try runSuccessfully(["vmdkinfo", image]).output
      let opened = try DiskImage(opening: FilePath(image))
      guard case .number(let contentID)? = opened.summary.specific.first(where: { $0.key == "cid" })?.value else {
        Issue.record("\(subformat) has no content ID")
        continue
      }
      #expect(output.contains("Content identifier:\t\t0x\(String(format: "%08x", contentID))"))
      #expect(output.contains("(\(opened.disk.size) bytes)"))
    }
  }
}
