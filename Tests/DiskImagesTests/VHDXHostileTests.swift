import BlockDevices
import Bytes
import DiskImages
import Foundation
import SystemPackage
import TestSupport
import Testing

/// VHDX files that contradict their specification: each is a clear error.
@Suite struct VHDXHostileTests {
  private let maker: VHDXMaker
  init() throws { maker = try VHDXMaker() }

  private func script(_ change: String) -> String {
    """
    d = disk(3 * MIB, 3, (100, 5000), (2 * MIB, MIB))
    image = Image(len(d))
    image.write_disk(d)
    \(change)
    image.save("image.vhdx")
    """
  }

  private static let other = "uuid.UUID('01234567-89ab-4cde-8fed-cba987654321')"

  @Test(arguments: [
    ("image.damaged = {'header0', 'header1'}", 65, "both damaged"),
    ("image.damaged = {'region0', 'region1'}", 65, "both damaged"),
    (
      "image.headers = [dict(sequence=7), dict(sequence=7)]; image.damaged = {'header0', 'header1'}", 65, "both damaged"
    ),
    ("a = image.header(8); image.data_guid = uuid.uuid4(); image.patches = [(65536, a)]", 65, "contradict"),
    ("image.header_fields['version'] = 2", 69, "version 2"),
    ("image.regions.append((\(other), 5 * MIB, MIB, 1))", 69, "01234567-89ab-4cde-8fed-cba987654321"),
    ("image.items.append((\(other), b'', 4))", 69, "01234567-89ab-4cde-8fed-cba987654321"),
    ("image.items.append((\(other), b'x', 5))", 69, "01234567-89ab-4cde-8fed-cba987654321"),
    ("image.items.append((DISK_SIZE, b'x' * 8, 5))", 69, "2fa54224"),
    ("image.regions.append((\(other), image.bat_offset, MIB, 0))", 65, "overlap"),
    ("image.regions.append((\(other), MIB, MIB, 0))", 65, "overlap"),
    ("image.regions.append((\(other), 0, MIB, 0))", 65, "overlap"),
    ("image.regions.append((\(other), 9 * MIB + 512, MIB, 0))", 65, "whole mebibytes"),
    ("image.regions.append((\(other), (1 << 64) - MIB, 2 * MIB, 0))", 65, "region"),
    ("image.regions.append(image.regions[0])", 65, "twice"),
    ("image.regions = image.regions[1:]", 65, "no block allocation table"),
    ("image.regions = image.regions[:1]", 65, "no metadata"),
    ("image.regions[0] = (BAT, image.bat_offset, 0, 1)", 65, "too small"),
    ("image.regions[0] = (BAT, 1 << 40, MIB, 1)", 65, "past the end"),
    ("image.regions[1] = (METADATA, 1 << 40, MIB, 1)", 65, "past the end"),
    ("image.regions[1] = (METADATA, image.metadata_offset, 0, 1)", 65, "without room"),
    ("image.patches.append((image.metadata_offset, b'METADATA'))", 65, "metadata table"),
    ("image.patches.append((image.metadata_offset + 10, b'\\xff\\xff'))", 65, "metadata table"),
    ("image.patches.append((image.metadata_offset + 48, struct.pack('<I', 4096)))", 65, "does not lie"),
    ("image.patches.append((image.metadata_offset + 48, struct.pack('<I', MIB - 4)))", 65, "does not lie"),
    (
      "image.patches.append((image.metadata_offset + 48, struct.pack('<II', 0xFFFFFFFF, 0xFFFFFFFF)))", 65,
      "does not lie"
    ),
    ("image.items.append(image.items[0])", 65, "twice"),
    ("image.items.pop(0)", 65, "no block size"),
    ("image.items.pop(1)", 65, "no disk size"),
    ("image.items.pop(3)", 65, "no sector size"),
    ("image.items[0] = (FILE_PARAMETERS, b'', 4)", 65, "too short"),
    ("image.items[0] = (FILE_PARAMETERS, struct.pack('<II', 512 << 10, 0), 4)", 65, "524288"),
    ("image.items[0] = (FILE_PARAMETERS, struct.pack('<II', 512 << 20, 0), 4)", 65, "536870912"),
    ("image.items[0] = (FILE_PARAMETERS, struct.pack('<II', 3 << 20, 0), 4)", 65, "3145728"),
    ("image.items[0] = (FILE_PARAMETERS, bytes(8), 4)", 65, "blocks of 0 bytes"),
    ("image.items[3] = (LOGICAL_SECTOR, struct.pack('<I', 1024), 6)", 65, "1024"),
    ("image.items[3] = (LOGICAL_SECTOR, struct.pack('<I', 0), 6)", 65, "sectors of 0"),
    ("image.items[1] = (DISK_SIZE, struct.pack('<Q', 3 * MIB + 1), 6)", 65, "no whole sectors"),
    ("image.items[1] = (DISK_SIZE, struct.pack('<Q', (64 << 40) + 512), 6)", 65, "64 TiB"),
    ("image.items[1] = (DISK_SIZE, struct.pack('<Q', (1 << 63) - 512), 6)", 65, "64 TiB"),
    ("image.items[1] = (DISK_SIZE, struct.pack('<Q', (1 << 64) - 512), 6)", 65, "64 TiB"),
    ("image.items[1] = (DISK_SIZE, struct.pack('<Q', 1 << 40), 6)", 65, "too small"),
    ("image.items[1] = (DISK_SIZE, b'short', 6)", 65, "too short"),
    ("image.length = 100", 65, "past the end"),
    ("image.length = 8", 65, "past the end"),
    ("image.length = 65536", 65, "both damaged"),
    ("image.length = 150 << 10", 65, "both damaged"),
    ("image.length = 2 * MIB + 100", 65, "past the end"),
    ("image.length = 3 * MIB + 8", 65, "past the end"),
  ])
  func whatContradictsIsNamed(change: String, status: Int32, text: String) throws {
    let error = try maker.error(script(change))
    #expect(error.exitStatus == status, "\(error.text)")
    #expect(error.text.contains(text), "\(error.text)")
  }

  /// What nobody has to know does no harm.
  @Test(arguments: [
    "image.regions.append((\(other), 40 * MIB, MIB, 0))",
    "image.items.append((\(other), b'user', 1))",
    "image.items.append((\(other), b'', 0))",
    "image.items.append((DISK_SIZE, b'user item of the same ID', 1))",
    "image.items.pop(4)",
    "image.creator = 'x' * 256",
    "image.patches.append((64 * 1024 + 4096, b'reserved' * 100))",
  ])
  func whatIsOptionalIsPassedOver(change: String) throws {
    try maker.run(script(change))
    try maker.check()
  }

  @Test func theCreatorIsTextAtMost() throws {
    try maker.run(script("image.patches.append((8, b'\\x00\\xd8A\\0\\x1b\\0' + b'\\0\\0'))"))
    #expect(try maker.open().summary.creator == "\u{FFFD}A\u{1B}")
  }

  /// Block 1 cannot be where its entry says: reading it fails, and the rest reads on.
  @Test(arguments: [
    "6", "1 << 20 | 6", "2 << 20 | 6", "3 << 20 | 6", "1 << 50 | 6", "0xFFFFFFFFFFF << 20 | 6", "4", "7", "5 << 20 | 7",
  ])
  func aBlockThatCannotBe(entry: String) throws {
    try maker.run(script("image.bat[1] = \(entry)"))
    let disk = try maker.open().disk
    let expected = try HostFile(opening: FilePath(maker.path("disk.raw")))
    for start in [0, 2 << 20] as [UInt64] {
      #expect(try disk.bytes(1 << 20, at: start) == expected.bytes(1 << 20, at: start))
    }
    for range in [1 << 20..<(1 << 20) + 1, (1 << 20) - 10..<(1 << 20) + 10] as [Range<UInt64>] {
      let error = #expect(throws: ReadError.self) {
        try disk.bytes(Int(range.upperBound - range.lowerBound), at: range.lowerBound)
      }
      #expect(error?.cause == .corrupt)
      var extents = HostExtentList()
      #expect(throws: ReadError.self) { try disk.resolve(range, into: &extents) }
    }
  }

  @Test func aBlockThatReachesIntoARegion() throws {
    try maker.run(
      """
      image = Image(8 * MIB, block_size=4 * MIB)
      image.regions.append((\(Self.other), 8 * MIB, MIB, 0))
      image.bat[0] = 5 << 20 | FULLY
      image.bat[1] = 9 << 20 | FULLY
      image.length = 20 * MIB
      image.save("image.vhdx")
      """)
    let disk = try maker.open().disk
    #expect(throws: ReadError.self) { try disk.bytes(1, at: 0) }
    #expect(try disk.bytes(1, at: 4 << 20) == [0])
  }

  /// The last block is cut off in its middle: what is there reads, and the rest is an error and no zeros.
  @Test func aFileCutShort() throws {
    try maker.run(script("image.length = image.end - MIB // 2"))
    let disk = try maker.open().disk
    let expected = try HostFile(opening: FilePath(maker.path("disk.raw")))
    #expect(try disk.bytes(5 << 19, at: 0) == expected.bytes(5 << 19, at: 0))
    let error = #expect(throws: ReadError.self) { try disk.bytes(1, at: 5 << 19) }
    #expect(error?.cause == .truncated)
  }

  /// The disk may end in the middle of a block, and the file with it.
  @Test func theLastBlockNeedNotBeWhole() throws {
    try maker.run(
      """
      d = disk(2 * MIB + 512, 3, (100, 5000), (2 * MIB, 512))
      image = Image(len(d))
      image.write_disk(d)
      image.length = image.end - MIB + 512
      image.save("image.vhdx")
      """)
    try maker.check()
  }

  @Test func anEmptyDisk() throws {
    try maker.run("Image(0).save('image.vhdx')")
    #expect(try maker.open().disk.size == 0)
    #expect(try maker.open().disk.bytes(0, at: 0).isEmpty)
  }

  @Test func whatIsNoVHDX() throws {
    try maker.run(script("image.patches.append((0, b'vhdxfilx'))"))
    #expect(try maker.open().format == .raw)
    var options = ImageOptions()
    options.format = .vhdx
    let error = try #require(throws: ImageError.self) { try maker.open(options: options) }
    #expect(error.exitStatus == 65)
  }
}
