import BlockDevices
import Bytes
import TestSupport

/// Bytes in memory, and zeros behind them.
final class MemoryDevice: MadeDevice {
  private let contents: [UInt8]
  let size: UInt64

  init(_ contents: [UInt8], size: UInt64? = nil) {
    self.contents = contents
    self.size = size ?? UInt64(contents.count)
  }

  func read(_ count: Int, at offset: UInt64, into out: inout OutputRawSpan) throws(ReadError) {
    guard contains(UInt64(count), at: offset) else { throw .truncated("data", at: offset) }
    let start = Int(min(offset, UInt64(contents.count)))
    let stored = min(count, contents.count - start)
    // A span cannot be borrowed from what a class holds.
    let contents = contents
    out.append(contentsOf: try contents.rawSpan.slice(start, count: stored))
    out.append(zeros: count - stored)
  }
}

/// An ext4 filesystem of 64 blocks, written by hand, for what no tool would make: blocks of 1024 bytes, one group of 16
/// inodes of 256 bytes, no checksums, and a root directory whose contents are up to the test.
///
///     block 1 superblock | 2 group descriptor | 5 … 8 inode table | 10 … free for use
struct TinyExt4 {
  var bytes = zeros(64 << 10)

  static let inodeTable = 5 << 10
  static let rootInode = inodeTable + 256

  init() {
    set(0x00, UInt32(16), in: 1024)  // inodes
    set(0x04, UInt32(64), in: 1024)  // blocks
    set(0x14, UInt32(1), in: 1024)  // first data block
    set(0x20, UInt32(8192), in: 1024)  // blocks per group
    set(0x24, UInt32(8192), in: 1024)  // clusters per group
    set(0x28, UInt32(16), in: 1024)  // inodes per group
    set(0x38, UInt16(0xEF53), in: 1024)
    set(0x3A, UInt16(1), in: 1024)  // clean
    set(0x4C, UInt32(1), in: 1024)  // revision
    set(0x54, UInt32(11), in: 1024)  // first inode for files
    set(0x58, UInt16(256), in: 1024)  // inode size
    set(0x08, UInt32(5), in: 2048)  // inode table
    set(0x00, UInt16(0o040755), in: Self.rootInode)
    set(0x04, UInt32(1024), in: Self.rootInode)
    set(0x1A, UInt16(2), in: Self.rootInode)
    set(0x80, UInt16(32), in: Self.rootInode)  // extra size
  }

  /// Stores an integer, in little-endian order, at `offset` of the structure at `base`.
  mutating func set(_ offset: Int, _ value: UInt32, in base: Int) {
    for index in 0..<4 { bytes[base + offset + index] = UInt8(truncatingIfNeeded: value >> UInt32(index * 8)) }
  }

  mutating func set(_ offset: Int, _ value: UInt16, in base: Int) {
    for index in 0..<2 { bytes[base + offset + index] = UInt8(truncatingIfNeeded: value >> UInt16(index * 8)) }
  }

  /// The integers of 32 bits, one behind the other.
  mutating func set(words: [UInt32], at offset: Int) {
    for (index, word) in words.enumerated() { set(index * 4, word, in: offset) }
  }
}
