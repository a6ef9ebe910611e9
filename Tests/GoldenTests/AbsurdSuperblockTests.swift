import BlockDevices
import Bytes
import FileSystems
import SystemPackage
import TestSupport
import Testing

/// Numbers in a superblock that cannot be: each is refused, or makes no difference to what is read, and none takes the
/// process down. The image has no checksums and no second superblock to turn to.
@Suite struct AbsurdSuperblockTests {
  /// Where a field lies in the superblock, and how many bytes it has.
  static let fields: [(name: String, offset: UInt64, size: Int)] = [
    ("inodes_count", 0x00, 4), ("blocks_count_lo", 0x04, 4), ("r_blocks_count_lo", 0x08, 4),
    ("free_blocks_count_lo", 0x0C, 4), ("free_inodes_count", 0x10, 4), ("first_data_block", 0x14, 4),
    ("log_block_size", 0x18, 4), ("log_cluster_size", 0x1C, 4), ("blocks_per_group", 0x20, 4),
    ("clusters_per_group", 0x24, 4), ("inodes_per_group", 0x28, 4), ("state", 0x3A, 2), ("creator_os", 0x48, 4),
    ("rev_level", 0x4C, 4), ("first_ino", 0x54, 4), ("inode_size", 0x58, 2), ("block_group_nr", 0x5A, 2),
    ("feature_compat", 0x5C, 4), ("feature_incompat", 0x60, 4), ("feature_ro_compat", 0x64, 4),
    ("reserved_gdt_blocks", 0xCE, 2), ("journal_inum", 0xE0, 4), ("last_orphan", 0xE8, 4),
    ("def_hash_version", 0xFC, 1), ("desc_size", 0xFE, 2), ("first_meta_bg", 0x104, 4), ("mkfs_time", 0x108, 4),
    ("blocks_count_hi", 0x150, 4), ("r_blocks_count_hi", 0x154, 4), ("free_blocks_count_hi", 0x158, 4),
    ("min_extra_isize", 0x15C, 2), ("want_extra_isize", 0x15E, 2), ("flags", 0x160, 4),
    ("log_groups_per_flex", 0x174, 1), ("checksum_type", 0x175, 1), ("usr_quota_inum", 0x240, 4),
    ("overhead_clusters", 0x248, 4), ("backup_bgs", 0x24C, 8), ("checksum_seed", 0x270, 4), ("encoding", 0x27C, 2),
  ]

  @Test(arguments: fields.map(\.name), ["shared-blocks", "no-filetype"])
  func isRefusedOrRead(_ name: String, _ fixture: String) throws {
    let field = try #require(Self.fields.first { $0.name == name })
    let image = try HostFile(opening: FilePath(try Fixture("ext4", fixture).image()))
    // With a checksum every change would be refused for its sake.
    let features = try image.bytes(4, at: 1024 + 0x64)
    #expect(features[1] & 0x04 == 0)
    let seed = UInt64.random(in: 0 ... .max)
    var generator = SeededGenerator(seed: seed)
    var values: [UInt64] = [0, 1, 2, 3, 7, 60, 63, 64, 127, 128, 192, 255, 1 << 15, 0x7FFF_FFFF, 0xFFFF_FFFF, .max]
    for _ in 0..<12 {
      values.append(generator.next() >> UInt64.random(in: 0..<64, using: &generator))
    }
    for value in values {
      let bytes = (0..<field.size).map { UInt8(truncatingIfNeeded: value >> UInt64($0 * 8)) }
      let device = PatchedDevice(image, patches: [(1024 + field.offset, bytes)])
      guard let fileSystem = try? openFileSystem(on: device) else { continue }
      // It is open: then whatever can be asked gives an answer or an error, and never more than there is.
      let summary = fileSystem.summary
      #expect(summary.blockSize >= 1024, "\(name) = \(value), seed \(seed)")
      for file in regularFiles(of: fileSystem, limit: 20) {
        guard let contents = try? fileSystem.file(file.node), contents.size < 1 << 24 else { continue }
        if let read = try? contents.bytes(Int(contents.size), at: 0) {
          #expect(read.count == Int(contents.size), "\(name) = \(value), seed \(seed)")
        }
      }
    }
  }
}
