import BlockDevices
import Bytes
import FileSystems
import SystemPackage
import TestSupport
import Testing

/// Block numbers of more than 32 bits: an image whose contents are to be had once more 16 TiB further on, and nodes that
/// are made to name these.
@Suite struct EROFSHighBlockTests {
  /// Blocks of 4 KiB: a bit of the number's high half.
  private static let distance: UInt64 = 1 << 44

  /// The image, and behind nothing at all the image again.
  private final class FarDevice: MadeDevice {
    let near: any BlockDevice
    let size: UInt64

    init(_ near: any BlockDevice) {
      self.near = near
      size = EROFSHighBlockTests.distance + near.size
    }

    func read(_ count: Int, at offset: UInt64, into out: inout OutputRawSpan) throws(ReadError) {
      let distance = EROFSHighBlockTests.distance
      try near.read(count, at: offset >= distance ? offset - distance : offset, into: &out)
    }
  }

  private struct Case {
    let image: HostFile
    let near: any FileSystem
    let node: NodeID
    /// Bytes from the image's start.
    let inode: UInt64

    init(_ fixture: String, _ path: String) throws {
      image = try HostFile(opening: FilePath(try Fixture("erofs", fixture).image()))
      near = try openFileSystem(on: image)
      let name = Array(path.utf8)
      node = try #require(try near.lookup(name.rawSpan, in: near.root))
      let superblock = try image.bytes(128, at: 1024)
      inode = UInt64(try superblock.rawSpan.le32(0x28)) * 4096 + node.rawValue * 32
    }

    /// Where the file's bytes lie with the patches, and that they are the same as without.
    func offsets(with patches: [(offset: UInt64, bytes: [UInt8])]) throws -> [UInt64] {
      let far = try openFileSystem(on: PatchedDevice(FarDevice(image), patches: patches))
      let expected = try near.file(node)
      let found = try far.file(node)
      let count = Int(expected.size)
      #expect(try found.bytes(count, at: 0) == expected.bytes(count, at: 0))
      var extents = ExtentList(limit: 1000)
      try far.map(node, 0..<expected.size, into: &extents)
      return extents.extents.compactMap {
        switch $0.kind {
        case .mapped(_, let offset): offset
        case .encoded(let unit, _): unit.id
        default: nil
        }
      }
    }
  }

  /// The link count's place, in an inode that says that it has one link.
  @Test func ofCompactInodes() throws {
    let file = try Case("48bit", "text")
    #expect(try file.image.bytes(2, at: file.inode)[0] & 0x11 == 0x10)
    let offsets = try file.offsets(with: [(file.inode + 6, [1, 0])])
    #expect(offsets.first.map { $0 >= Self.distance } == true)
  }

  @Test func ofIndexesOfChunks() throws {
    let file = try Case("48bit-chunks", "text")
    let count = (150_000 + 8191) / 8192
    let patches = (0..<count).map { (offset: file.inode + 32 + UInt64($0) * 8, bytes: [1, 0] as [UInt8]) }
    let offsets = try file.offsets(with: patches)
    #expect(offsets.allSatisfy { $0 >= Self.distance })
  }

  @Test func ofTablesOfExtents() throws {
    let file = try Case("extents-16", "text")
    let table = (file.inode + 32 + 8 + 15) / 16 * 16
    let header = try file.image.bytes(4, at: file.inode + 32)
    let count = try header.rawSpan.le32(0)
    // Addresses are in bytes: bit 44 of 64.
    let patches = (0..<UInt64(count)).map { (offset: table + $0 * 16 + 4 + 5, bytes: [0x10] as [UInt8]) }
    let offsets = try file.offsets(with: patches)
    #expect(offsets.count > 10 && offsets.allSatisfy { $0 >= Self.distance })
  }
}
