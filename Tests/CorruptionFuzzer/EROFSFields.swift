import BlockDevices
import Bytes

/// Where the fields of EROFS's structures lie: only as much as it takes to change them.
struct EROFSFields {
  private let blockSize: UInt64
  private let metadata: UInt64
  private let compatible: UInt32
  private let hasBox: Bool

  /// Fails where the device holds no EROFS that is whole enough.
  init?(_ device: any BlockDevice) {
    guard let bytes = try? device.bytes(144, at: 1024) else { return nil }
    let superblock = bytes.rawSpan
    guard let magic = try? superblock.le32(0), magic == 0xE0F5_E1E2, let shift = try? superblock.u8(12),
      (9...16).contains(shift), let start = try? superblock.le32(0x28), let incompatible = try? superblock.le32(0x50),
      let compatible = try? superblock.le32(8)
    else { return nil }
    blockSize = 1 << UInt64(shift)
    metadata = UInt64(start) * blockSize
    self.compatible = compatible
    hasBox = incompatible & 0x100 != 0
  }

  /// The edit that turns the superblock's checksum off.
  var editAgainstChecksum: MutatedDevice.Edit { edit(at: 1024 + 8, UInt64(compatible & ~1), width: 4) }

  var superblock: [Field] {
    let words: [UInt64] = [0x08, 0x20, 0x24, 0x28, 0x2C, 0x50, 0x5C, 0x6C]
    let halves: [UInt64] = [0x0E, 0x54, 0x56, 0x58]
    let bytes: [UInt64] = [0x0C, 0x0D, 0x5A, 0x5B, 0x68]
    let longs: [UInt64] = [0x10, 0x18, 0x60, 0x70, 0x80]
    // Behind it: configurations of compression, and the table of devices.
    let behind = stride(from: UInt64(128), to: 512, by: 2).map { Field(1024 + $0, 2) }
    return longs.map { Field(1024 + $0, 8) } + words.map { Field(1024 + $0, 4) } + halves.map { Field(1024 + $0, 2) }
      + bytes.map { Field(1024 + $0, 1) } + behind.prefix(40)
  }

  /// The fields of an inode, and what may be some of what follows it: attributes, indexes, entries.
  func fields(ofNode node: UInt64) -> [Field] {
    // Those in the file of compressed metadata have no place of their own.
    guard !hasBox || node >> 31 & 1 == 0 else { return superblock }
    let start = metadata &+ node &* 32
    let inode = [0, 2, 4, 6].map { Field(start &+ $0, 2) } + [8, 12, 16, 36, 44].map { Field(start &+ $0, 4) }
    let behind = stride(from: UInt64(32), to: 320, by: 4).map { Field(start &+ $0, 4) }
    let halves = stride(from: UInt64(32), to: 128, by: 2).map { Field(start &+ $0, 2) }
    return inode + inode + behind + halves
  }

  /// A number of a block.
  func block(of offset: UInt64) -> UInt64 { offset / blockSize }
}
