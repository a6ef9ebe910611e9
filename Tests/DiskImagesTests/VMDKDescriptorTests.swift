import BlockDevices
import Bytes
@testable import DiskImages
import Foundation
import SystemPackage
import TestSupport
import Testing

/// Descriptors, good and bad, and what they name.
@Suite struct VMDKDescriptorTests {
  private let folder: TemporaryDirectory
  init() throws { folder = try TemporaryDirectory() }

  static let head = "# Disk DescriptorFile\nversion=1\nCID=12345678\nparentCID=ffffffff\ncreateType=\"custom\"\n"

  private func write(_ name: String, _ text: String) throws {
    try Data(text.utf8).write(to: folder.url.appendingPathComponent(name))
  }

  private func write(_ name: String, _ bytes: [UInt8]) throws {
    try Data(bytes).write(to: folder.url.appendingPathComponent(name))
  }

  private func open(_ name: String, _ options: ImageOptions = ImageOptions()) throws(ImageError) -> DiskImage {
    try DiskImage(opening: FilePath(folder.path).appending(name), options: options)
  }

  /// Opens a disk of these lines.
  private func open(lines: String) throws -> DiskImage {
    try write("disk.vmdk", Self.head + lines)
    return try open("disk.vmdk")
  }

  @Test func extentsStandInOrder() throws {
    try write("a", Array(repeating: 1, count: 4096))
    try write("b c", Array(repeating: 2, count: 1024))
    let image = try open(
      lines: "RW 2 FLAT \"a\" 3\nRW 1 ZERO\n  rdonly\t2 vmfs \"b c\"\nRW 1 FLAT \"a\" 0\nRW 0 ZERO\n")
    let expected: [UInt8] = [(1, 1024), (0, 512), (2, 1024), (1, 512)].flatMap { Array(repeating: $0.0, count: $0.1) }
    #expect(try image.disk.bytes(Int(image.disk.size), at: 0) == expected)
    #expect(image.files.count == 3, "a file that is named twice is opened once")
    #expect(image.allNotices.isEmpty)
    #expect(image.summary.allocatedSize == 2560)
  }

  @Test(arguments: ["\n", "\r\n", "\r", "\n\n  \t\n"])
  func linesMayEndInAnyWay(end: String) throws {
    try write("a", Array(repeating: 1, count: 512))
    let text = Self.head + "ddb.uuid = \"60 00\"\nddb.adapterType = \"x\"\nRW 1 FLAT \"a\" 0\n"
    try write("disk.vmdk", "\u{FEFF}" + text.replacingOccurrences(of: "\n", with: end))
    let image = try open("disk.vmdk")
    #expect(image.disk.size == 512)
    #expect(image.summary.uuid == "60 00")
    #expect(image.summary.creator == "adapter x")
    #expect(image.summary.variant == "custom")
  }

  @Test func namesInWindowsCodePageAreFound() throws {
    try write("Größe – 1.vmdk", Array(repeating: 1, count: 512))
    let name: [UInt8] = [0x47, 0x72, 0xF6, 0xDF, 0x65, 0x20, 0x96, 0x20] + Array("1.vmdk".utf8)
    try write(
      "disk.vmdk", Array((Self.head + "encoding=\"windows-1252\"\nRW 1 FLAT \"").utf8) + name + Array("\" 0\n".utf8))
    #expect(try open("disk.vmdk").disk.bytes(1, at: 0) == [1])
  }

  @Test(arguments: [
    ("C:\\Machines\\old\\a.vmdk", "a.vmdk"), ("\\\\server\\share\\a.vmdk", "a.vmdk"), ("..\\x\\a.vmdk", "a.vmdk"),
    ("parts\\a.vmdk", "parts/a.vmdk"), ("/vmfs/volumes/1/vm/a.vmdk", "a.vmdk"), ("file:a.vmdk", "file:a.vmdk"),
    ("json:{}", "json:{}"),
  ])
  func pathsOfAnotherHostLeadBesideTheImage(name: String, there: String) throws {
    try FileManager.default.createDirectory(
      at: folder.url.appendingPathComponent("parts"), withIntermediateDirectories: true)
    try write(there, Array(repeating: 1, count: 512))
    #expect(try open(lines: "RW 1 FLAT \"\(name)\" 0\n").disk.bytes(1, at: 0) == [1])
  }

  @Test(arguments: [
    ("RW 1 FLAT \"/etc/passwd\" 0", 77, "/etc/passwd"), ("RW 1 FLAT \"../../etc/hostname\" 0", 77, "hostname"),
    ("RW 1 FLAT \"..\\\\..\\\\..\\\\etc\\\\passwd\" 0", 77, "outside"), ("RW 1 SPARSE \"../..\" 0", 77, "outside"),
    ("RW 1 FLAT \"missing\" 0", 66, "cannot open"), ("RW 1 FLAT \".\" 0", 66, "is a folder"),
    ("RW 1 FLAT \"\\\\.\\PhysicalDrive0\" 0", 69, "Windows device"),
    ("RW 1 VMFSRDM \"a\"", 69, "a device that VMFS maps"),
    ("RW 1 VMFSRAW \"a\"", 69, "a device that VMFS maps"), ("RW 1 HOLO \"a\"", 69, "unknown type HOLO"),
    ("RW 1 FLAT", 65, "without the name"), ("RW 1 FLAT \"\" 0", 65, "without the name"),
    ("RW", 65, "tells of no extent"),
    ("RW 1", 65, "tells of no extent"), ("RW -1 FLAT \"a\" 0", 65, "tells of no extent"),
    ("RW 99999999999999999999 FLAT \"a\" 0", 65, "tells of no extent"), ("RW 1 FLAT a 0", 65, "tells of no extent"),
    ("RW 1 FLAT \"a 0", 65, "tells of no extent"), ("RW 1 FLAT \"a\" 99999999999999999999", 65, "tells of no extent"),
    ("RW 36028797018963968 ZERO", 65, "corrupt extent of the disk"),
    ("RW 18014398509481984 ZERO", 65, "more than 2^63"),
    ("RW 9007199254740993 ZERO\nRW 9007199254740993 ZERO", 65, "more than 2^63"),
    ("RW 1 FLAT \"a\" 36028797018963967\nRW 1 ZERO", 65, "ends nowhere"),
    ("RW 1 FLAT \"a\" 36028797018963968", 65, "corrupt offset"), ("RW 1 SPARSE \"a\"", 65, "is no sparse extent"),
    ("", 65, "names no extents"), ("parentFileNameHint=\"gone.vmdk\"\nRW 1 ZERO", 66, "cannot open"),
    ("parentFileNameHint=\"disk.vmdk\"\nRW 1 ZERO", 65, "is its own backing file"),
    ("keySafe = \"x\"\nRW 1 ZERO", 69, "is encrypted"),
    ("ddb.iofilters = \"vmwarevmcrypt\"\nRW 1 ZERO", 69, "is encrypted"),
    ("CID=xyz\nRW 1 ZERO", 0, ""), ("version=9\nRW 1 ZERO", 69, "version 9"), ("version=x\nRW 1 ZERO", 65, "no number"),
  ])
  func badLinesAreNamed(lines: String, status: Int32, text: String) throws {
    try write("a", Array(repeating: 1, count: 512))
    guard status != 0 else {
      // What comes first counts.
      #expect(try open(lines: lines).disk.size == 512)
      return
    }
    let error = try #require(throws: ImageError.self) { try open(lines: lines) }
    #expect(error.exitStatus == status, "\(error.text)")
    #expect(error.text.contains(text), "\(error.text)")
  }

  @Test func aParentNeedsAName() throws {
    try write(
      "disk.vmdk", Self.head.replacingOccurrences(of: "ffffffff", with: "00000001") + "RW 1 ZERO\n")
    let error = try #require(throws: ImageError.self) { try open("disk.vmdk") }
    #expect(error.text == "names no backing file, though it has one")
    try write("disk.vmdk", Self.head.replacingOccurrences(of: "CID=12345678", with: "CID=123456789") + "RW 1 ZERO\n")
    #expect(try #require(throws: ImageError.self) { try open("disk.vmdk") }.text.contains("content ID"))
  }

  @Test func aBackingFileThatIsNoVMDKIsTakenWhenItIsGiven() throws {
    try write("raw", Array(repeating: 9, count: 1024))
    try write("disk.vmdk", Self.head.replacingOccurrences(of: "ffffffff", with: "00000001") + "RW 1 ZERO\n")
    var options = ImageOptions()
    options.backingFile = FilePath(folder.path + "/raw")
    let image = try open("disk.vmdk", options)
    #expect(image.allNotices.contains { $0.contains("is no VMDK") })
    #expect(try image.disk.bytes(512, at: 0) == Array(repeating: 0, count: 512))
  }

  @Test func toldByItsContentAlone() throws {
    for (text, isDisk) in [
      (Self.head, true), ("#comment\n\nversion=1\ncreateType=\"x\"\n", true), ("version=1\n", false),
      ("# Disk\n", false),
      ("#Disk DescriptorFile\n", true), ("text\n" + Self.head, false), ("", false), ("KDM", false), ("KDMV", true),
      ("COWD", true),
    ] {
      try write("probe", text)
      let probe = ImageProbe(of: try HostFile(opening: FilePath(folder.path + "/probe")))
      #expect(VMDK.recognizes(probe) == isDisk, "\(text)")
    }
  }

  @Test func lengthsAndNumbersAreBounded() throws {
    try write("disk.vmdk", Self.head + String(repeating: "#\n", count: 600_000))
    #expect(try #require(throws: ImageError.self) { try open("disk.vmdk") }.text.contains("has a descriptor of 1200"))
    try write("disk.vmdk", Self.head + String(repeating: "RW 1 ZERO\n", count: 8193))
    #expect(try #require(throws: ImageError.self) { try open("disk.vmdk") }.text.contains("more than 8192 extents"))
    try write("disk.vmdk", Self.head + String(repeating: "RW 1 ZERO\n", count: 8192))
    #expect(try open("disk.vmdk").disk.size == 8192 * 512)
    HostEnvironment.allowManyFiles()
    for index in 0..<4100 { try write("part\(index)", [0]) }
    try write("disk.vmdk", Self.head + (0..<4100).map { "RW 1 FLAT \"part\($0)\" 0\n" }.joined())
    let error = try #require(throws: ImageError.self) { try open("disk.vmdk") }
    #expect(error.text == "consists of more than 4096 files")
  }

  @Test func whatIsMissingOfAFlatExtentIsNoZeros() throws {
    try write("a", Array(repeating: 1, count: 1300))
    let short = try open(lines: "RW 4 FLAT \"a\" 0\nRW 1 ZERO\n")
    #expect(short.allNotices == ["lacks 748 bytes: a has been cut short"])
    #expect(try short.disk.bytes(1300, at: 0) == Array(repeating: 1, count: 1300))
    #expect(throws: ReadError.self) { try short.disk.bytes(1, at: 1300) }
    #expect(try short.disk.bytes(512, at: 2048) == Array(repeating: 0, count: 512))
    // A sector that is partly there is filled up with zeros.
    let rounded = try open(lines: "RW 3 FLAT \"a\" 0\n")
    #expect(rounded.allNotices.isEmpty)
    #expect(try rounded.disk.bytes(300, at: 1236) == Array(repeating: 1, count: 64) + Array(repeating: 0, count: 236))
    let outside = try open(lines: "RW 3 FLAT \"a\" 700\n")
    #expect(throws: ReadError.self) { try outside.disk.bytes(1, at: 0) }
  }

  @Test func anExtentElsewhereIsOpenedWhereThatIsAllowed() throws {
    let elsewhere = try TemporaryDirectory()
    try Data(Array(repeating: 7, count: 2048)).write(to: elsewhere.url.appendingPathComponent("device"))
    let lines = "RW 1 FLAT \"\(elsewhere.path)/device\" 0\nNOACCESS 1 ZERO\nRW 2 VMFS \"\(elsewhere.path)/device\" 2\n"
    let error = try #require(throws: ImageError.self) { try open(lines: lines) }
    #expect(error.exitStatus == 77)
    var options = ImageOptions()
    options.allowsExternalFiles = true
    let image = try open("disk.vmdk", options)
    #expect(try image.disk.bytes(1024, at: 1024) == Array(repeating: 7, count: 1024))
    // What leads elsewhere by a symbolic link lies elsewhere.
    try FileManager.default.createSymbolicLink(
      atPath: folder.path + "/link", withDestinationPath: elsewhere.path + "/device")
    #expect(try #require(throws: ImageError.self) { try open(lines: "RW 1 FLAT \"link\" 0\n") }.exitStatus == 77)
  }

  @Test func aSparseExtentIsNamedOnce() throws {
    let path = folder.path + "/a.vmdk"
    try runSuccessfully(["qemu-img", "create", "-q", "-f", "vmdk", path, "1M"])
    let error = try #require(throws: ImageError.self) {
      try open(lines: "RW 2048 SPARSE \"a.vmdk\"\nRW 2048 SPARSE \"a.vmdk\"\n")
    }
    #expect(error.text.contains("for two extents"))
    let other = try open(lines: "RW 2000 SPARSE \"a.vmdk\"\nRW 8 ZERO\n")
    #expect(other.disk.size == 2056 * 512, "the extent's header says how large it is, as qemu has it")
    #expect(other.allNotices.count == 1)
  }

  @Test func whatMayNotBeAccessedIsAnErrorThereAlone() throws {
    try write("a", Array(repeating: 1, count: 512))
    let image = try open(lines: "RW 1 FLAT \"a\" 0\nNOACCESS 5 FLAT \"/dev/nothing\" 0\nRW 1 FLAT \"a\" 0\n")
    #expect(try image.disk.bytes(512, at: 6 * 512) == Array(repeating: 1, count: 512))
    let error = try #require(throws: ReadError.self) { try image.disk.bytes(1, at: 512) }
    #expect(error.cause == .unsupported)
  }
}
