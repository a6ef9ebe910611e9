import BlockDevices
import Bytes
import DiskImages
import Foundation
import SystemPackage
import TestSupport
import Testing

/// Disks in VHDX files as qemu-img makes them, and as the specification has them.
@Suite struct VHDXTests {
  private let maker: VHDXMaker
  init() throws { maker = try VHDXMaker() }

  private static let writes = [
    "write -P 17 0 1000", "write -P 18 1048000 2000", "write -P 19 3M 1M", "write -z 4M 1M",
    "write -P 20 5242881 77777",
    "write -P 21 20971008 512", "write -z 3500000 4096",
  ]

  @Test(arguments: [
    "subformat=dynamic", "subformat=dynamic,block_size=1M", "subformat=dynamic,block_size=2M,log_size=3M",
    "subformat=dynamic,block_size=32M", "subformat=dynamic,block_size=256M",
    "subformat=dynamic,block_size=1M,block_state_zero=off", "subformat=fixed", "subformat=fixed,block_size=8M",
  ])
  func readsAsQemuDoes(options: String) throws {
    let image = maker.path("image.vhdx")
    try runSuccessfully(["qemu-img", "create", "-q", "-f", "vhdx", "-o", options, image, "21M"])
    try runSuccessfully(["qemu-io"] + Self.writes.flatMap { ["-c", $0] } + [image])
    try compareWithQemu(image)
    let opened = try maker.open()
    #expect(opened.format == .vhdx)
    #expect(opened.summary.variant == (options.contains("fixed") ? "fixed" : "dynamic"))
    #expect(opened.summary.creator?.hasPrefix("QEMU") == true)
    #expect(opened.summary.sectorSize == 512)
    #expect(!opened.summary.isDirty && opened.summary.notices.isEmpty)
    #expect(opened.summary.specific.isEmpty)
  }

  @Test func convertedDisksAreEqual() throws {
    try maker.run("disk(9 << 20, 1, (0, 5000), (3 << 20, 100), ((5 << 20) - 10, 300000), ((9 << 20) - 700, 700))")
    for format in ["dynamic", "fixed"] {
      let image = maker.path(format + ".vhdx")
      let options = "subformat=\(format),block_size=2M"
      try runSuccessfully([
        "qemu-img", "convert", "-f", "raw", "-O", "vhdx", "-o", options, maker.path("disk.raw"), image,
      ])
      try maker.check(format + ".vhdx")
    }
  }

  @Test(arguments: [512, 4096], [1, 4, 256])
  func theSpecificationsFilesAreRead(sector: Int, blockMebibytes: Int) throws {
    try maker.run(
      """
      d = disk(9 * MIB + 4096 * 3, 2, (100, 5000), (3 * MIB - 5, 4000), (9 * MIB, 9000))
      image = Image(len(d), sector=\(sector), block_size=\(blockMebibytes) * MIB)
      image.write_disk(d)
      image.save("image.vhdx")
      """)
    try maker.check()
    let summary = try maker.open().summary
    #expect(summary.sectorSize == sector)
    #expect(summary.clusterSize == UInt64(blockMebibytes) << 20)
    #expect(summary.uuid == "d15c0000-0000-4000-8000-000000000001")
    #expect(summary.creator == "vitrine fixtures")
  }

  /// Sector bitmaps have entries in the table, though nobody uses them.
  @Test func chunksAreInterleaved() throws {
    // 256 MiB blocks of 512-byte sectors: 16 to a chunk, so that block 16 has entry 17.
    try maker.run(
      """
      image = Image(20 << 28, block_size=256 * MIB)
      assert image.chunk_ratio == 16 and image.entries == 21
      for block in (0, 15, 16, 19): image.set_block(block, FULLY, b"block %2d" % block)
      image.save("image.vhdx")
      """)
    let disk = try maker.open().disk
    for block in 0..<20 as Range<UInt64> {
      let expected = [0, 15, 16, 19].contains(block) ? Array("block \(block < 10 ? " " : "")\(block)".utf8) : [0]
      #expect(try disk.bytes(expected.count, at: block << 28) == expected, "\(block)")
    }
    let qemu = try runSuccessfully(["qemu-io", "-r", "-c", "read -P 0 4351M 1M", maker.path("image.vhdx")])
    #expect(!qemu.output.contains("failed"))
  }

  @Test func allStatesOfBlocks() throws {
    try maker.run(
      """
      image = Image(8 * MIB)
      image.set_block(0, FULLY, b"a" * MIB)
      for block, state in ((1, NOT_PRESENT), (2, UNDEFINED), (3, ZERO), (4, UNMAPPED), (5, 5)):
          image.set_block(block, state, b"old " * (MIB // 4))
      image.set_block(6, 4)
      image.set_block(7, PARTIALLY, b"x")
      image.save("image.vhdx")
      """)
    let image = try maker.open()
    #expect(image.summary.allocatedSize == 1 << 20 || image.summary.allocatedSize == nil)
    let expected = [UInt8](repeating: 0x61, count: 1 << 20) + [UInt8](repeating: 0, count: 5 << 20)
    #expect(try image.disk.bytes(6 << 20, at: 0) == expected)
    var extents = HostExtentList()
    try image.disk.resolve(0..<(6 << 20), into: &extents)
    #expect(extents.extents.map(\.length) == [1 << 20, 5 << 20])
    for block in 6..<8 as Range<UInt64> {
      let error = #expect(throws: ReadError.self) { try image.disk.bytes(1, at: block << 20) }
      #expect(error?.cause == .corrupt)
    }
  }

  /// Blocks that lie behind one another in the file are one extent: a file in them is spliced in one go.
  @Test func neighboursAreOneExtent() throws {
    let image = maker.path("image.vhdx")
    try runSuccessfully(["qemu-img", "create", "-q", "-f", "vhdx", "-o", "subformat=fixed,block_size=1M", image, "64M"])
    let disk = try maker.open().disk
    var extents = HostExtentList()
    try disk.resolve(0..<disk.size, into: &extents)
    #expect(extents.extents.count == 1)
  }

  @Test func allocationIsCounted() throws {
    try maker.run(
      """
      image = Image(8 * MIB + 512)
      image.set_block(1, FULLY, b"a")
      image.set_block(8, FULLY, b"b")
      image.set_block(3, ZERO)
      image.save("image.vhdx")
      """)
    #expect(try maker.open().summary.allocatedSize == 1 << 20 + 512)
  }

  @Test func oneDamagedHeaderIsDoneWithout() throws {
    for damaged in ["header0", "header1", "region0", "region1"] {
      try maker.run(
        """
        d = disk(3 * MIB, 3, (100, 5000))
        image = Image(len(d))
        image.write_disk(d)
        image.damaged = {"\(damaged)"}
        image.save("image.vhdx")
        """)
      try maker.check()
      let notices = try maker.open().summary.notices
      #expect(notices.count == 1)
      #expect(notices.first?.contains(damaged.hasPrefix("header") ? "headers" : "region tables") == true)
    }
  }

  /// The header with the higher sequence number is the one that counts, whichever it is.
  @Test(arguments: [(5, 6), (6, 5)])
  func theNewerHeaderCounts(first: Int, second: Int) throws {
    let wrong = first < second ? 0 : 1
    try maker.run(
      """
      d = disk(3 * MIB, 3, (100, 5000))
      image = Image(len(d))
      image.write_disk(d)
      image.headers = [dict(sequence=\(first)), dict(sequence=\(second))]
      image.header_fields["version"] = 2
      old = image.header([\(first), \(second)][\(wrong)])
      image.header_fields["version"] = 1
      image.patches.append(((64 << 10) * (1 + \(wrong)), old))
      image.save("image.vhdx")
      """)
    try maker.check()
  }

  @Test func aHugeSparseDiskOpensAtOnce() throws {
    let image = maker.path("image.vhdx")
    try runSuccessfully(["qemu-img", "create", "-q", "-f", "vhdx", "-o", "block_size=1M", image, "16T"])
    let began = ContinuousClock.now
    let disk = try maker.open().disk
    #expect(ContinuousClock.now - began < .milliseconds(500))
    #expect(disk.size == 16 << 40)
    #expect(try disk.bytes(4, at: (16 << 40) - 4) == [0, 0, 0, 0])
  }

  /// A random read of a disk whose table is not held in memory reads one page of it.
  @Test func aRandomReadCostsOneTableRead() throws {
    let image = maker.path("image.vhdx")
    try runSuccessfully(["qemu-img", "create", "-q", "-f", "vhdx", "-o", "block_size=1M", image, "16T"])
    let counting = CountingDevice(try HostFile(opening: FilePath(image)))
    let disk = try DiskImage(in: counting, path: FilePath(image)).disk
    counting.reset()
    _ = try disk.bytes(4096, at: 11 << 40)
    #expect(counting.readCount == 1 && counting.byteCount <= 4096)
  }
}
