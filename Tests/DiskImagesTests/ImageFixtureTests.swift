import BlockDevices
import Bytes
import DiskImages
import Foundation
import SystemPackage
import TestSupport
import Testing

/// The images of all formats: each decodes to the disk that it is known to hold.
@Suite struct ImageFixtureTests {
  static let formats = ["qcow2", "qcow", "qed", "vmdk", "vhd", "vhdx", "vdi", "split"]
  static let images = formats.flatMap { Fixture.all(of: $0) }.filter { !$0.isMadeByTests }

  @Test(arguments: images.filter { !$0.isHostile })
  func decodesToItsDisk(fixture: Fixture) throws {
    let expected = try #require(try fixture.disk, "\(fixture) has no disk.sha256")
    let image = try DiskImage(opening: FilePath(try fixture.image()))
    #expect(image.disk.size == expected.size)
    let whole = try copy(of: image.disk)
    #expect(try sha256(of: whole.path) == expected.sha256)
    try compare(image.disk, with: HostFile(opening: FilePath(whole.path)), seed: expected.size)
  }

  /// Each damaged image fails as its `expect.txt` says: to open, or to be read.
  @Test(arguments: images.filter(\.isHostile))
  func damageIsNamed(fixture: Fixture) throws {
    let lines = try #require(try fixture.text("expect.txt")).split(separator: "\n").map(String.init)
    try #require(!lines.isEmpty)
    let path = FilePath(try fixture.image())
    for line in lines {
      let words = line.split(separator: " ", maxSplits: 2).map(String.init)
      switch words[0] {
      case "open":
        let error = try #require(throws: ImageError.self) { try DiskImage(opening: path) }
        #expect(error.exitStatus == Self.statuses[words[1]], "\(error.text)")
        if words.count > 2 { #expect(error.text.contains(words[2])) }
      case "read":
        let disk = try DiskImage(opening: path).disk
        #expect(throws: ReadError.self) { try disk.bytes(1, at: #require(UInt64(words[1]))) }
      case "notice":
        let text = line.dropFirst("notice ".count)
        #expect(try DiskImage(opening: path).allNotices.contains { $0.contains(text) })
      default: Issue.record("\(fixture): what is \(line)?")
      }
    }
  }

  private static let statuses: [String: Int32] = [
    "corrupt": 65, "missing": 66, "unsupported": 69, "refused": 77, "usage": 64,
  ]

  private func copy(of disk: any BlockDevice) throws -> (folder: TemporaryDirectory, path: String) {
    let folder = try TemporaryDirectory()
    let path = folder.path + "/disk"
    let file = try FileDescriptor.open(
      FilePath(path), .writeOnly, options: [.create, .truncate], permissions: .ownerReadWrite)
    try file.closeAfter {
      var position: UInt64 = 0
      while position < disk.size {
        let count = Int(min(disk.size - position, 1 << 20))
        _ = try file.writeAll(disk.bytes(count, at: position))
        position += UInt64(count)
      }
    }
    return (folder, path)
  }

  private func sha256(of path: String) throws -> String {
    String(try runSuccessfully(["sha256sum", path]).output.prefix(64))
  }
}
