import BlockDevices
import Bytes
import DiskImages
import Foundation
import SystemPackage
import TestSupport
import Testing

/// Damaged and hostile qcow2 images: each is a clear error, for what it concerns.
@Suite struct QCOW2HostileTests {
  private let shop: QemuWorkshop
  init() throws { shop = try QemuWorkshop() }

  /// A disk of 1 MiB with data in its first three clusters of 4 KiB, compressed data in the next two, and data in the
  /// last.
  private func makeDisk(options: [String] = ["cluster_size=4k"]) throws {
    try shop.create("disk.qcow2", size: 1 << 20, options: options)
    try shop.io(
      "disk.qcow2",
      ["write -P 1 0 12k", "write -c -P 2 12k 4k", "write -c -P 3 16k 4k", "write -P 4 \((1 << 20) - 4096) 4k"])
  }

  /// The place of the L2 entry of a cluster.
  private func entry(_ cluster: UInt64, size: UInt64 = 8) throws -> UInt64 {
    let root = try shop.be64("disk.qcow2", at: 40)
    let perTable = 4096 / size
    let table = try shop.be64("disk.qcow2", at: root + cluster / perTable * 8) & 0x00FF_FFFF_FFFF_FE00
    return table + cluster % perTable * size
  }

  private func openingFails(_ status: Int32, _ text: String, sourceLocation: SourceLocation = #_sourceLocation) {
    let error = #expect(throws: ImageError.self, sourceLocation: sourceLocation) { try shop.open("disk.qcow2") }
    #expect(error?.exitStatus == status, "\(error?.text ?? "")", sourceLocation: sourceLocation)
    #expect(error?.text.contains(text) == true, "\(error?.text ?? "")", sourceLocation: sourceLocation)
  }

  @Test(
    arguments: [
      (4, be(UInt32(4)), 69, "is of version 4"), (4, be(UInt32(0)), 69, "is of version 0"),
      (20, be(UInt32(8)), 65, "clusters of 2^8 bytes"), (20, be(UInt32(22)), 65, "clusters of 2^22 bytes"),
      (20, be(UInt32.max), 65, "clusters of 2^4294967295 bytes"),
      (24, be(UInt64.max), 65, "says that the disk has"), (24, be(UInt64(1) << 63 - 512), 65, "says that the disk has"),
      (24, be(UInt64(1) << 62), 65, "but its size asks for"), (24, be(UInt64(3) << 20), 65, "asks for 2"),
      (32, be(UInt32(1)), 69, "encrypted (AES"), (32, be(UInt32(2)), 69, "encrypted (LUKS)"),
      (32, be(UInt32(3)), 69, "number 3"),
      (36, be(UInt32(0)), 65, "L1 table of 0 entries"), (36, be(UInt32.max), 65, "4294967295 entries"),
      (36, be(UInt32(4 << 20)), 65, "table of clusters lies past the end"),
      (40, be(UInt64(4097)), 65, "does not begin at a cluster"), (40, be(UInt64(0)), 65, "in its header"),
      (40, be(UInt64.max << 12), 65, "past the end"), (40, be(UInt64(1) << 63), 65, "past the end"),
      (72, be(UInt64(1) << 2), 65, "does not name it"), (72, be(UInt64(1) << 3), 65, "type of compression"),
      (72, be(UInt64(1) << 4), 65, "extended L2 entries"), (72, be(UInt64(1) << 5), 69, "number 5"),
      (72, be(UInt64(3) << 62), 69, "features unknown to this program: number 62, number 63"),
      (96, be(UInt32(7)), 65, "width of reference counts"), (96, be(UInt32.max), 65, "width of reference counts"),
      (100, be(UInt32(96)), 65, "too short"), (100, be(UInt32(5000)), 65, "more than a cluster"),
      (104, [1], 65, "type of compression"), (104, [2], 69, "method unknown to this program: number 2"),
      (8, be(UInt64(50)), 65, "name does not lie within"), (8, be(UInt64.max), 65, "name does not lie within"),
      (8, be(UInt64(4000)) + be(UInt32(2000)), 65, "name does not lie within"),
    ] as [(UInt64, [UInt8], Int32, String)])
  func headerIsChecked(offset: UInt64, bytes: [UInt8], status: Int32, text: String) throws {
    try makeDisk()
    try shop.patch("disk.qcow2", (offset, bytes))
    openingFails(status, text)
  }

  @Test(arguments: [("luks", "encrypted (LUKS)"), ("aes", "encrypted (AES")])
  func encryptionIsNamed(kind: String, text: String) throws {
    for attempt in 1...10 {
      do {
        try shop.img(
          "create", "-q", "-f", "qcow2", "--object", "secret,id=key,data=word", "-o",
          "encrypt.format=\(kind),encrypt.key-secret=key" + (kind == "luks" ? ",encrypt.iter-time=10" : ""),
          "disk.qcow2", "1M")
        break
      } catch  where attempt < 10 {
        // qemu-img measures how fast the machine is, and gives up where that is too busy.
      }
    }
    openingFails(69, text)
  }

  /// The name comes from the image's own table of them, whatever it may hold.
  @Test func unknownFeaturesAreNamed() throws {
    // With clusters of 4 KiB and less, qemu-img writes no names.
    try shop.create("disk.qcow2", size: 1 << 20)
    let place = try #require(try shop.bytes("disk.qcow2").firstRange(of: Array("dirty bit".utf8)))
    let start = UInt64(place.lowerBound)
    try shop.patch(
      "disk.qcow2", (start - 1, [40]), (start, Array("time travel\u{1B}[31m\0".utf8)), (72, be(UInt64(1) << 40)))
    openingFails(69, "uses a feature unknown to this program: “time travel\\x1b[31m”")
  }

  @Test func extensionsMustEnd() throws {
    // With clusters of 4 KiB and less, qemu-img writes no names.
    try shop.create("disk.qcow2", size: 1 << 20)
    let place = try #require(try shop.bytes("disk.qcow2").firstRange(of: [0x68, 0x03, 0xF8, 0x57]))
    for length in [UInt32(70000), .max, .max - 7] {
      try shop.patch("disk.qcow2", (UInt64(place.lowerBound) + 4, be(length)))
      openingFails(65, "corrupt header extension")
    }
  }

  /// Cut short anywhere: an error when it is opened, or for what is missing.
  @Test func truncation() throws {
    try makeDisk()
    let bytes = try shop.bytes("disk.qcow2")
    let expected = try shop.open("disk.qcow2").disk.bytes(1 << 20, at: 0)
    var opened = 0
    for count in stride(from: 0, to: bytes.count, by: 509) where count >= 8 {
      try Data(bytes.prefix(count)).write(to: URL(fileURLWithPath: shop.path("disk.qcow2")))
      guard let disk = try? shop.open("disk.qcow2").disk else { continue }
      opened += 1
      var failed = 0
      for place in stride(from: UInt64(0), to: 1 << 20, by: 4096) {
        guard let read = try? disk.bytes(4096, at: place) else {
          failed += 1
          continue
        }
        #expect(read == Array(expected[Int(place)..<Int(place) + 4096]), "\(count) bytes, at \(place)")
      }
      // The last cluster of the file holds compressed data that end before it does.
      #expect(failed > 0 || count > bytes.count - 4096, "\(count) bytes")
    }
    #expect(opened > 10)
  }

  /// An entry that leads nowhere spoils its cluster, and no other.
  @Test(
    arguments: [
      ("past the end", (1 << 40) | 1 << 63), ("not at a cluster", 512 | 1 << 63), ("far out", 0x00FF_FFFF_FFFF_F000),
      ("compressed, past the end", 1 << 62 | 1 << 40), ("compressed, in the header", 1 << 62 | 5),
      ("compressed, of nothing", 1 << 62 | 4096), ("compressed, far out", .max),
    ] as [(String, UInt64)])
  func entriesOfClusters(name: String, value: UInt64) throws {
    try makeDisk()
    try shop.patch("disk.qcow2", (try entry(1), be(value)))
    let disk = try shop.open("disk.qcow2").disk
    #expect(throws: ReadError.self) { try disk.bytes(1, at: 4096) }
    #expect(throws: ReadError.self) { try disk.bytes(8192, at: 0) }
    #expect(try disk.bytes(2, at: 4094) == [1, 1])
    #expect(try disk.bytes(8192, at: 8192) == [UInt8](repeating: 1, count: 4096) + [UInt8](repeating: 2, count: 4096))
  }

  @Test(arguments: [(1 << 40) | 1 << 63, 512 | 1 << 63, 0x00FF_FFFF_FFFF_F000] as [UInt64])
  func entriesOfTables(value: UInt64) throws {
    try shop.create("disk.qcow2", size: 4 << 20, options: ["cluster_size=4k"])
    try shop.io("disk.qcow2", ["write -P 1 0 4m"])
    try shop.patch("disk.qcow2", (try shop.be64("disk.qcow2", at: 40) + 8, be(value)))
    let disk = try shop.open("disk.qcow2").disk
    #expect(throws: ReadError.self) { try disk.bytes(1, at: 2 << 20) }
    #expect(throws: ReadError.self) { try disk.bytes(1, at: (4 << 20) - 1) }
    #expect(try disk.bytes(1, at: (2 << 20) - 1) == [1])
  }

  /// Tables that lead to themselves or to the header are tables like any other: there are only two levels.
  @Test func tablesMayBeTheirOwn() throws {
    try makeDisk()
    let root = try shop.be64("disk.qcow2", at: 40)
    for value in [root, 4096] {
      try shop.patch("disk.qcow2", (root, be(value | 1 << 63)))
      let disk = try shop.open("disk.qcow2").disk
      for place in stride(from: UInt64(0), to: 1 << 20, by: 4096) { _ = try? disk.bytes(4096, at: place) }
    }
  }

  @Test(arguments: ["zlib", "zstd"])
  func compressedDataOfAnotherLength(type: String) throws {
    for (size, isRight) in [(4095, false), (4096, true), (4097, false), (100_000, false), (0, false)] {
      try? FileManager.default.removeItem(atPath: shop.path("disk.qcow2"))
      try makeDisk(options: ["cluster_size=4k", "compression_type=\(type)"])
      let packed = try pack([UInt8](repeating: 7, count: size), type)
      let offset = try shop.be64("disk.qcow2", at: entry(3)) & ((1 << 58) - 1)
      // Over the old data, and the next cluster's after them.
      try shop.patch("disk.qcow2", (offset, packed))
      let disk = try shop.open("disk.qcow2").disk
      if isRight {
        #expect(try disk.bytes(4096, at: 12288) == [UInt8](repeating: 7, count: 4096))
      } else {
        #expect(throws: ReadError.self) { try disk.bytes(4096, at: 12288) }
        #expect(throws: ReadError.self) { try disk.bytes(1, at: 12288) }
      }
      #expect(try disk.bytes(1, at: 0) == [1])
    }
  }

  /// As a raw deflate stream, or a Zstandard frame.
  private func pack(_ bytes: [UInt8], _ type: String) throws -> [UInt8] {
    try Data(bytes).write(to: URL(fileURLWithPath: shop.path("plain")))
    if type == "zstd" {
      try runSuccessfully(["zstd", "-q", "-f", shop.path("plain"), "-o", shop.path("packed")])
    } else {
      let script = """
        import sys, zlib
        packer = zlib.compressobj(9, zlib.DEFLATED, -12)
        data = open(sys.argv[1], 'rb').read()
        open(sys.argv[2], 'wb').write(packer.compress(data) + packer.flush())
        """
      try runSuccessfully(["python3", "-c", script, shop.path("plain"), shop.path("packed")])
    }
    return try shop.bytes("packed")
  }

  /// Zero clusters are of version 3.
  @Test func zeroClustersOfVersion2() throws {
    try makeDisk(options: ["cluster_size=4k", "compat=0.10"])
    try shop.patch("disk.qcow2", (try entry(1), be(UInt64(1))))
    let disk = try shop.open("disk.qcow2").disk
    #expect(throws: ReadError.self) { try disk.bytes(1, at: 4096) }
    #expect(try disk.bytes(1, at: 0) == [1])
  }

  /// A part of a cluster cannot be both data and zeros, nor data without a place.
  @Test func contradictoryParts() throws {
    try shop.create("disk.qcow2", size: 1 << 20, options: ["cluster_size=16k", "extended_l2=on"])
    try shop.io("disk.qcow2", ["write -P 1 0 64k"])
    let root = try shop.be64("disk.qcow2", at: 40)
    let table = try shop.be64("disk.qcow2", at: root) & 0x00FF_FFFF_FFFF_FE00
    try shop.patch(
      "disk.qcow2", (table + 16 + 8, be(UInt64(0x8000_0000_FFFF_FFFF))), (table + 32, be(UInt64(0))))
    let disk = try shop.open("disk.qcow2").disk
    #expect(throws: ReadError.self) { try disk.bytes(1, at: 16384) }
    #expect(throws: ReadError.self) { try disk.bytes(1, at: 32768) }
    #expect(try disk.bytes(1, at: 49152) == [1])
  }

  /// In a data file there is no compression, and in a raw one each cluster is at its own place.
  @Test func entriesOfADataFile() throws {
    try shop.create(
      "disk.qcow2", size: 1 << 20,
      options: ["cluster_size=4k", "data_file=\(shop.path("disk.data"))", "data_file_raw=on"])
    try shop.io("disk.qcow2", ["write -P 1 0 64k"])
    try shop.patch(
      "disk.qcow2", (try entry(1), be(UInt64(8192) | 1 << 63)), (try entry(2), be(UInt64(1) << 62 | 4096)),
      (try entry(3), be(UInt64(1) << 63 | 1 << 30)))
    let disk = try shop.open("disk.qcow2").disk
    for cluster in 1...3 { #expect(throws: ReadError.self) { try disk.bytes(1, at: UInt64(cluster) * 4096) } }
    #expect(try disk.bytes(1, at: 0) == [1])
    #expect(try disk.bytes(1, at: 4 * 4096) == [1])
    try FileHandle(forUpdating: URL(fileURLWithPath: shop.path("disk.data"))).truncate(atOffset: 5 * 4096 + 100)
    let short = try shop.open("disk.qcow2").disk
    #expect(try short.bytes(100, at: 5 * 4096) == [UInt8](repeating: 1, count: 100))
    #expect(throws: ReadError.self) { try short.bytes(101, at: 5 * 4096) }
    #expect(throws: ReadError.self) { try short.bytes(1, at: 6 * 4096) }
  }
}
