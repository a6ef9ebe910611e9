import BlockDevices
import Bytes
import DiskStack
import FileSystems
import Foundation
import SystemPackage
import TestSupport
import Testing
import Volumes

@Suite struct OpeningTests {
  private func write(_ bytes: [UInt8], in directory: TemporaryDirectory) throws -> FilePath {
    let url = directory.url.appendingPathComponent("image")
    try Data(bytes).write(to: url)
    return FilePath(url.path)
  }

  @Test func emptyFile() throws {
    let directory = try TemporaryDirectory()
    let path = try write([], in: directory)
    let error = #expect(throws: StackError.self) { try DiskStack(opening: path) }
    guard case .isEmpty? = error else { Issue.record("\(String(describing: error))"); return }
    #expect(error?.exitStatus == 65)
  }

  @Test(arguments: 0..<5)
  func nothingRecognized(kind: Int) throws {
    let directory = try TemporaryDirectory()
    let bytes: [UInt8] =
      switch kind {
      case 0: Array("This is a text file.\n".utf8)
      case 1: (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 7) }
      case 2: [UInt8](repeating: 0, count: 1_000_000)
      case 3: [0x1F, 0x8B] + [UInt8](repeating: 7, count: 5000)
      default: [0x3A, 0xFF, 0x26, 0xED, 1, 0, 0, 0, 28, 0, 12, 0, 0, 16] + [UInt8](repeating: 0, count: 5000)
      }
    let path = try write(bytes, in: directory)
    let error = #expect(throws: StackError.self) { try DiskStack(opening: path) }
    guard case .nothingRecognized(_, let sign, nil)? = error else {
      Issue.record("\(String(describing: error))"); return
    }
    #expect((sign != nil) == (kind >= 3))
    #expect(error?.exitStatus == 65)
  }

  @Test func whatIsNoImage() {
    #expect(throws: StackError.self) { try DiskStack(opening: "/nowhere/at/all") }
    for (path, status) in [("/nowhere/at/all", 66), ("/tmp", 66), ("/dev/null", 66)] as [(FilePath, Int32)] {
      let error = #expect(throws: StackError.self) { try DiskStack(opening: path) }
      #expect(error?.exitStatus == status, "\(path)")
    }
  }

  @Test func filesystemAtAnOffset() throws {
    let path = try FilePath(Fixture("gpt", "basic").image())
    var options = DiskStack.Options()
    options.offset = 2 << 20
    options.sizeLimit = 2 << 20
    let stack = try DiskStack(opening: path, options: options)
    #expect(stack.table == nil)
    #expect(stack.disk.size == 2 << 20)
    #expect(stack.volumes.map(\.name) == ["disk"])
    #expect(stack.volumes[0].fileSystem?.summary.label == Array("root".utf8))
    #expect(stack.volumes[0].fileSystem != nil)
  }

  @Test func diskAtAnOffset() throws {
    let directory = try TemporaryDirectory()
    let image = try Fixture("mbr", "logical").image()
    let path = directory.url.appendingPathComponent("shifted").path
    try runSuccessfully(["dd", "if=\(image)", "of=\(path)", "bs=64K", "seek=3000", "oflag=seek_bytes", "conv=sparse"])
    var options = DiskStack.Options()
    options.offset = 3000
    let shifted = try DiskStack(opening: FilePath(path), options: options)
    let plain = try DiskStack(opening: FilePath(image))
    #expect(shifted.volumes.map(\.number) == plain.volumes.map(\.number))
    #expect(shifted.volumes.map(\.start) == plain.volumes.map(\.start))
    #expect(shifted.volumes.map(\.device.size) == plain.volumes.map(\.device.size))
    #expect(shifted.volumes.compactMap(\.fileSystem).count == 1)
  }

  @Test func sizeLimitPastTheEndIsTold() throws {
    var options = DiskStack.Options()
    options.sizeLimit = 1 << 40
    let stack = try DiskStack(opening: FilePath(Fixture("bare", "ext4").image()), options: options)
    #expect(stack.disk.size == 2 << 20)
    #expect(stack.notices.count == 1)
    options.offset = 2 << 20
    #expect(throws: StackError.self) {
      try DiskStack(opening: FilePath(Fixture("bare", "ext4").image()), options: options)
    }
  }

  @Test func sectorSizeCanBeGiven() throws {
    let path = try FilePath(Fixture("mbr", "sectors-4096").image())
    var options = DiskStack.Options()
    options.sectorSize = 4096
    let stack = try DiskStack(opening: path, options: options)
    #expect(stack.table?.sectorSize == 4096)
    #expect(stack.volumes.map(\.number) == [1, 2, 5])
    #expect(stack.volumes.first?.start == 1 << 20)
    #expect(stack.volumes.first?.fileSystem != nil)
    #expect(stack.volumes.last?.start == 1280 * 4096)
  }

  @Test func missingPartFailsToReadAndTheRestReads() throws {
    let stack = try DiskStack(opening: FilePath(Fixture("truncated", "gpt-inside-partition").image()))
    let volume = try stack.volume(matching: .number(2))
    #expect(volume.device.size == 2 << 20)
    #expect(volume.notices.count == 1)
    #expect(try volume.device.bytes(100, at: 900_000).count == 100)
    let error = #expect(throws: ReadError.self) { try volume.device.bytes(100, at: 1_500_000) }
    #expect(error?.cause == .truncated)
    let behind = try stack.volume(matching: .number(3))
    #expect(throws: ReadError.self) { try behind.device.bytes(1, at: 0) }
    if case .unknown = behind.contents {} else { Issue.record("something was found where nothing is") }
  }

  /// libblkid does not name a filesystem whose first superblock is gone; the driver finds its backup.
  @Test func lostSuperblockIsTheDriversToFind() throws {
    let stack = try DiskStack(opening: FilePath(Fixture("ext4", "backup-superblock").image()))
    let volume = try #require(stack.volumes.first)
    #expect(volume.fileSystem != nil)
    #expect(volume.fileSystem?.summary.notices.isEmpty == false)
  }

  @Test func severalSignaturesAreTold() throws {
    let stack = try DiskStack(opening: FilePath(Fixture("bare", "two-signatures").image()))
    let volume = try #require(stack.volumes.first)
    #expect(volume.fileSystem?.summary.type == "ext4")
    #expect(volume.notices.first?.contains("xfs") == true)
  }

  @Test func namesAreHarmless() {
    #expect(Escaped.text([0x1B, 0x5B, 0x41, 0xFF, 0x5C]) == "\\x1b[A\\xff\\\\")
    #expect(Escaped.text("a\u{202E}b\u{85}\n\u{7F}é💾") == "a\\u{202e}b\\u{85}\\x0a\\x7fé💾")
    #expect(Escaped.text([0xE2, 0x82]) == "\\xe2\\x82")
    #expect(Escaped.text([0xED, 0xA0, 0x80]) == "\\xed\\xa0\\x80")
  }
}
