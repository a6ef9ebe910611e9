import BlockDevices
import Bytes
import Testing

@testable import FileSystems

/// Images that random damage does not come upon, each against a trap or a loop that once was, or could be.
@Suite struct Ext4HostileTests {
  private func open(_ image: TinyExt4, size: UInt64? = nil) throws -> Ext4 {
    try Ext4(reading: MemoryDevice(image.bytes, size: size), options: OpenOptions())
  }

  private func names(in directory: NodeID, of fileSystem: Ext4) throws -> [String] {
    var names: [String] = []
    try fileSystem.list(directory, from: 0) { name, _ in
      names.append(String(decoding: name.array, as: UTF8.self))
      return true
    }
    return names
  }

  /// The builder itself: an empty directory.
  @Test func tinyImageIsRead() throws {
    var image = TinyExt4()
    image.set(0x28, UInt32(10), in: TinyExt4.rootInode)
    image.set(words: [2, 0x0001_000C, 0x2E, 2, 0x0002_0000 + 1012, 0x2E2E], at: 10 << 10)
    let fileSystem = try open(image)
    #expect(try names(in: fileSystem.root, of: fileSystem) == [])
    #expect(try fileSystem.parent(of: fileSystem.root) == fileSystem.root)
    #expect(fileSystem.summary.inodeCount == 16)
  }

  /// An inline directory that folds case and is encrypted, whose last part ends before the name of its first entry.
  @Test func inlineEntryWithoutRoomForItsName() throws {
    var image = TinyExt4()
    let root = TinyExt4.rootInode
    image.set(0x60, UInt32(0x8000 | 0x10000 | 0x20000), in: 1024)  // inline_data, encrypt, casefold
    image.set(0x27C, UInt16(1), in: 1024)  // UTF-8
    image.set(0x04, UInt32(68), in: root)
    image.set(0x20, UInt32(0x1000_0000 | 0x4000_0000 | 0x800), in: root)
    image.set(words: [2, 0, 56], at: root + 0x28)
    image.set(words: [0xEA02_0000, 0x0004_0704, 0, 8, 0], at: root + 160)
    // The value lies behind the one entry and the terminator.
    image.set(0x06, UInt16(24), in: root + 160)
    image.set(words: [0x6174_6164, 0], at: root + 160 + 20)  // "data"
    image.set(words: [12, 0x0001_000C], at: root + 160 + 28)
    let fileSystem = try open(image)
    let error = #expect(throws: ReadError.self) { try names(in: fileSystem.root, of: fileSystem) }
    #expect(error?.cause == .corrupt)
    // As Linux would show an encrypted name.
    let name = Array("AAAAAAAAAAAAAAAAAAAAAAAA".utf8)
    #expect(throws: ReadError.self) { try fileSystem.lookup(name.rawSpan, in: fileSystem.root) }
  }

  /// Four blocks that make a directory of 2²⁴: three levels of numbers that are all the same, over an empty block.
  @Test(.timeLimit(.minutes(5))) func directoryOfOneBlockAgainAndAgain() throws {
    var image = TinyExt4()
    let root = TinyExt4.rootInode
    image.set(0x60, UInt32(0x4000), in: 1024)  // large_dir
    image.set(0x6C, UInt32(4), in: root)  // 16 GiB
    image.set(words: [UInt32](repeating: 13, count: 12) + [12, 11, 10], at: root + 0x28)
    for block in 10..<13 {
      image.set(words: [UInt32](repeating: UInt32(block + 1), count: 256), at: block << 10)
    }
    image.set(words: [0, 1024], at: 13 << 10)
    let fileSystem = try open(image, size: 4 << 20)
    #expect(throws: ReadError.self) { try names(in: fileSystem.root, of: fileSystem) }
    #expect(throws: ReadError.self) { try fileSystem.lookup(Array("x".utf8).rawSpan, in: fileSystem.root) }
  }

  /// 2³² − 1 groups, each with a copy of 2³² − 1 blocks of descriptors.
  @Test func productOfGroupsAndDescriptors() throws {
    var image = TinyExt4()
    image.set(0x00, UInt32.max, in: 1024)  // inodes
    image.set(0x04, UInt32(0xFFFF_FFF9), in: 1024)  // blocks: 8 · (2³² − 1) + 1
    image.set(0x150, UInt32(7), in: 1024)
    image.set(0x20, UInt32(8), in: 1024)  // blocks per group
    image.set(0x28, UInt32(1), in: 1024)  // inodes per group
    image.set(0x58, UInt16(1024), in: 1024)  // inode size
    image.set(0x60, UInt32(0x80), in: 1024)  // 64bit
    image.set(0xFE, UInt16(1024), in: 1024)  // descriptor size
    image.set(0x08, UInt32(20), in: 3 << 10)
    image.set(0x00, UInt16(0o040755), in: 20 << 10)
    image.set(0x1A, UInt16(2), in: 20 << 10)
    let fileSystem = try open(image)
    #expect(fileSystem.summary.blockCount < 1 << 36)
    #expect(try names(in: fileSystem.root, of: fileSystem) == [])
  }
}
