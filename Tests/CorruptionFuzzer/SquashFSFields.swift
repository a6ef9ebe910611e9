import BlockDevices
import Bytes

/// Where the fields of SquashFS's structures lie, as far as they are not compressed: only as much as it takes to change
/// them.
struct SquashFSFields {
  private let inodeTable: UInt64
  private let directoryTable: UInt64
  /// Byte positions of the tables' indexes: fragments, exports, owners, attributes.
  private let tables: [UInt64]

  /// Fails where the device holds no SquashFS that is whole enough.
  init?(_ device: any BlockDevice) {
    guard let bytes = try? device.bytes(96, at: 0) else { return nil }
    let superblock = bytes.rawSpan
    guard let magic = try? superblock.le32(0), magic == 0x7371_7368, let inodes = try? superblock.le64(64),
      let directories = try? superblock.le64(72)
    else { return nil }
    inodeTable = inodes
    directoryTable = directories
    tables = [80, 88, 48, 56].compactMap { (try? superblock.le64($0)).flatMap { $0 < device.size ? $0 : nil } }
  }

  var superblock: [Field] {
    [32, 40, 48, 56, 64, 72, 80, 88].map { Field($0, 8) } + [4, 12, 16].map { Field($0, 4) }
      + [20, 22, 24, 26, 28, 30].map { Field($0, 2) }
  }

  /// The entries of the tables' indexes, and what lies around them: the last records of their blocks.
  var indexes: [Field] {
    tables.flatMap { table in
      (0..<8).map { Field(table &+ $0 * 8, 8) } + (1..<16).map { Field(table &- min($0 * 4, table), 4) }
    }
  }

  /// The fields of an inode, of the block that it is in, and of some of what follows it: lists, targets, other inodes.
  func fields(ofNode node: UInt64) -> [Field] {
    let block = inodeTable &+ node >> 16
    let start = block &+ 2 &+ node & 0xFFFF
    return [Field(block, 2), Field(start, 2)] + [4, 6].map { Field(start &+ $0, 2) }
      + stride(from: UInt64(8), to: 128, by: 4).map { Field(start &+ $0, 4) }
      + stride(from: UInt64(16), to: 48, by: 2).map { Field(start &+ $0, 2) }
  }

  /// Somewhere in the directories: they have no fields at places that can be told without reading them.
  func directoryFields(_ random: inout Random) -> Field {
    Field(directoryTable &+ random.next() % 2048, [1, 2, 2, 4][random.below(4)])
  }

  /// A number that means something: where a table or a block is.
  func position(_ random: inout Random) -> UInt64 {
    switch random.below(3) {
    case 0: random.pick(tables + [inodeTable, directoryTable]) ?? 0
    case 1: random.next() % 65536
    default: (random.next() % 4096) << 16
    }
  }
}
