import BlockDevices
import Bytes
import DiskImages
import Foundation
import SystemPackage
import TestSupport
import Testing

/// VHDX files that hold what their parents do not.
@Suite struct VHDXDifferencingTests {
  private let maker: VHDXMaker
  init() throws { maker = try VHDXMaker() }

  /// A parent, parent.vhdx of parent.raw, and image.vhdx of disk.raw, which differs from it by blocks and by sectors.
  private func script(
    sector: Int = 512, block: Int = 1, parentSize: String = "7 * MIB + 4096",
    locator: String = #"relative_path=".\\parent.vhdx""#, then: String = ""
  ) -> String {
    """
    old = disk(\(parentSize), 1, (0, 3 * MIB), (4 * MIB + 100, 5000), (6 * MIB, MIB))
    os.rename("disk.raw", "parent.raw")
    parent = Image(len(old), sector=\(sector), block_size=\(block) * MIB, name=1)
    parent.write_disk(old)
    parent.save("parent.vhdx")
    new = bytearray(9 * MIB + 8192)
    new[: min(len(old), len(new))] = old[: len(new)]
    r = random.Random(5)
    # Single sectors, runs of them, one at each end of a block; a block of zeros, one that is all new; more behind.
    for at, count in ((0, 1), (5000, 1), (MIB - 1, 1), (MIB + 40960, 200000), (3 * MIB, MIB), (6 * MIB + 5, 1),
                      (7 * MIB + 8192, 4096), (9 * MIB, 8192)):
        new[at : at + count] = r.randbytes(count)
    new[2 * MIB : 3 * MIB] = bytes(MIB)
    for at in range(6 * MIB + 65536, 6 * MIB + 262144, 2 * \(sector)):
        new[at] ^= 1
    open("disk.raw", "wb").write(new)
    image = Image(len(new), sector=\(sector), block_size=\(block) * MIB, has_parent=True, name=2)
    image.write_difference(new, old)
    image.set_parent(parent, \(locator))
    \(then)
    image.save("image.vhdx")
    """
  }

  @Test(arguments: [(512, 1), (4096, 1), (512, 2), (4096, 32)])
  func readsThroughToTheParent(sector: Int, block: Int) throws {
    try maker.run(script(sector: sector, block: block))
    try maker.check()
    let image = try maker.open()
    #expect(image.summary.variant == "differencing")
    #expect(image.summary.parentName == #".\parent.vhdx"#)
    #expect(image.parent?.format == .vhdx)
    #expect(image.allNotices.isEmpty)
    #expect(try #require(image.summary.allocatedSize) < 4 << 20)
    try maker.check("parent.vhdx", against: "parent.raw")
  }

  @Test func aParentCanBeLarger() throws {
    try maker.run(script(parentSize: "12 * MIB"))
    try maker.check()
  }

  @Test func aChainOfThree() throws {
    try maker.run(
      script(
        then: """
          middle = image
          middle.save("middle.vhdx")
          newest = bytearray(new)
          newest[MIB + 41000 : MIB + 41010] = b"ten bytes."
          newest[5 * MIB] ^= 255
          open("disk.raw", "wb").write(newest)
          image = Image(len(new), sector=512, block_size=2 * MIB, has_parent=True, name=3)
          image.write_difference(newest, new)
          image.set_parent(middle, relative_path="middle.vhdx")
          """))
    try maker.check()
    #expect(try maker.open().parent?.parent?.parent == nil)
  }

  /// A block whose contents are defined to be anything, or were discarded, does not show the parent's.
  @Test func onlyAbsentBlocksShowTheParent() throws {
    try maker.run(
      script(
        then: """
          for block, state in ((0, UNMAPPED), (1, UNDEFINED), (2, ZERO), (3, 0), (4, 0)): image.set_block(block, state)
          new[: 3 * MIB] = bytes(3 * MIB)
          new[3 * MIB : 5 * MIB] = old[3 * MIB : 5 * MIB]
          open("disk.raw", "wb").write(new)
          """))
    try maker.check()
  }

  @Test(arguments: [
    #"volume_path="\\\\?\\Volume{26A21BDA-A627-11D7-9931-806E6F6E6963}\\disks\\parent.vhdx""#,
    #"absolute_win32_path="\\\\?\\d:\\disks\\sub\\parent.vhdx""#,
    #"absolute_win32_path="d:\\parent.vhdx""#,
    #"relative_path="..\\elsewhere\\missing.vhdx", absolute_win32_path="\\\\?\\d:\\disks\\parent.vhdx""#,
    #"relative_path="sub\\..\\parent.vhdx""#,
  ])
  func thePathsOfWindows(locator: String) throws {
    try FileManager.default.createDirectory(atPath: maker.path("sub"), withIntermediateDirectories: true)
    try maker.run(script(locator: locator))
    try maker.check()
  }

  @Test func theParentHasToBeTheOne() throws {
    try maker.run(script(then: "parent.data_guid = uuid.uuid4(); parent.save('parent.vhdx')"))
    let error = try #require(throws: ImageError.self) { try maker.open() }
    #expect(error.exitStatus == 65)
    #expect(error.text.contains("is another, or was changed since"))
    var options = ImageOptions()
    options.backingFile = FilePath(maker.path("parent.vhdx"))
    let image = try maker.open(options: options)
    #expect(image.summary.notices.contains { $0.contains("is another, or was changed since") })
    try compare(image.disk, with: HostFile(opening: FilePath(maker.path("disk.raw"))))
  }

  @Test func theSecondLinkageCountsToo() throws {
    try maker.run(
      script(
        locator: #"relative_path="parent.vhdx", parent_linkage2="{%s}" % str(parent.data_guid).upper()"#,
        then: """
          good = parent.data_guid
          parent.data_guid = uuid.uuid4()
          image.set_parent(parent, relative_path="parent.vhdx", parent_linkage2="{%s}" % str(good).upper())
          """))
    try maker.check()
  }

  /// Another format that is given in the parent's stead has nothing to be told by.
  @Test(arguments: ["raw", "qcow2"])
  func aParentOfAnotherFormatThatIsGiven(format: String) throws {
    try maker.run(script())
    let parent = maker.path("parent." + format)
    if format != "raw" {
      try runSuccessfully(["qemu-img", "convert", "-f", "raw", "-O", format, maker.path("parent.raw"), parent])
    }
    var options = ImageOptions()
    options.backingFile = FilePath(parent)
    let image = try maker.open(options: options)
    #expect(image.parent?.format.rawValue == format)
    #expect(image.summary.notices.contains { $0.contains("is no VHDX") })
    try compare(image.disk, with: HostFile(opening: FilePath(maker.path("disk.raw"))))
  }

  /// One that the image itself names has to be VHDX.
  @Test func aParentThatIsNamedIsVHDX() throws {
    try maker.run(script(locator: #"relative_path="parent.raw""#))
    let error = try #require(throws: ImageError.self) { try maker.open() }
    #expect(error.exitStatus == 65 && error.path?.lastComponent == "parent.raw")
  }

  @Test func whereTheParentIsMissing() throws {
    try maker.run(script(then: "os.remove('parent.vhdx')"))
    let error = try #require(throws: ImageError.self) { try maker.open() }
    #expect(error.exitStatus == 66)
    #expect(error.path?.lastComponent == "parent.vhdx")
  }

  @Test func itsOwnParent() throws {
    try maker.run(script(locator: #"relative_path="image.vhdx""#))
    let error = try #require(throws: ImageError.self) { try maker.open() }
    #expect(error.exitStatus == 65 && error.text.contains("loop"))
  }

  @Test(arguments: [#"relative_path="..\\" * 20 + "etc\\passwd""#, #"relative_path="/etc/passwd""#])
  func aParentElsewhereIsRefused(locator: String) throws {
    try maker.run(script(locator: locator))
    let error = try #require(throws: ImageError.self) { try maker.open() }
    #expect(error.exitStatus == 77)
  }

  @Test(arguments: [
    (#"image.set_parent(parent, locator_type=uuid.UUID(int=5), relative_path="parent.vhdx")"#, 69, "unknown kind"),
    (#"image.items.pop()"#, 65, "no parent locator"),
    (#"image.items[-1] = (PARENT_LOCATOR, VHDX_LOCATOR.bytes_le + struct.pack("<HH", 0, 9), 4)"#, 65, "parent locator"),
    (#"image.items[-1] = (PARENT_LOCATOR, VHDX_LOCATOR.bytes_le + bytes(4), 4)"#, 65, "which its parent is"),
    (
      #"image.items[-1] = (PARENT_LOCATOR, VHDX_LOCATOR.bytes_le + struct.pack("<HHIIHH", 0, 1, 1 << 31, 9, 8, 8), 4)"#,
      65, "parent locator"
    ),
    (#"parent.items[3] = (LOGICAL_SECTOR, struct.pack("<I", 4096), 6); parent.save("parent.vhdx")"#, 65, "sectors of"),
    (#"image.set_parent(parent)"#, 65, "names no backing file"),
  ])
  func damagedLocators(change: String, status: Int32, text: String) throws {
    let error = try maker.error(script(then: change))
    #expect(error.exitStatus == status, "\(error.text)")
    #expect(error.text.contains(text), "\(error.text)")
  }

  /// Where a bitmap cannot be, only what it tells of fails.
  @Test(arguments: ["0", "6", "5 << 20 | 5", "1 << 20 | 6", "3 << 20 | 6", "1 << 50 | 6", "0xFFFFFFFFFFF << 20 | 6"])
  func aBitmapThatCannotBe(entry: String) throws {
    try maker.run(script(then: "image.bat[image.chunk_ratio] = \(entry)"))
    let disk = try maker.open().disk
    let error = #expect(throws: ReadError.self) { try disk.bytes(10, at: 0) }
    #expect(error?.cause == .corrupt)
    #expect(try disk.bytes(10, at: 2 << 20) == [UInt8](repeating: 0, count: 10))
    #expect(try maker.open().summary.allocatedSize == nil)
  }
}
