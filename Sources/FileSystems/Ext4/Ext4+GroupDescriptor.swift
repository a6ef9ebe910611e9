internal import BlockDevices
internal import Bytes

/// Group descriptors: Documentation/filesystems/ext4/group_descr.rst.
///
/// They are read as they are needed, by blocks: a large filesystem has megabytes of them.
extension Ext4 {
  struct GroupDescriptors: Sendable {
    let superblock: Superblock
    let blocks: BlockCache
    /// Which copy is read: the one behind the superblock of this group. With meta block groups there is none such, but
    /// one in the first group of each and one in the second; these are read where this is not 0.
    let copy: UInt64
  }
}

extension Ext4.GroupDescriptors {
  /// Blocks that a descriptor leads to: one of each bitmap, and the first of the inode table.
  struct Metadata {
    let blockBitmap: UInt64
    let inodeBitmap: UInt64
    let inodeTable: UInt64
  }

  /// The first block of the inode table of `group`.
  /// - Throws: `.checksum`, or `.corrupt` where the table would not lie within the filesystem.
  func inodeTable(ofGroup group: UInt64) throws(ReadError) -> UInt64 { try metadata(ofGroup: group).inodeTable }

  /// - Throws: as `inodeTable`. Where the bitmaps would lie is not checked, as none is read.
  func metadata(ofGroup group: UInt64) throws(ReadError) -> Metadata {
    let subject: StaticString = "group descriptor"
    guard group < superblock.groupCount else { throw .corrupt(subject, at: group) }
    let block = try blocks.block(
      superblock.blockSize, at: descriptorBlock(of: group) << superblock.blockShift,
      tag: Ext4.BlockTag.groupDescriptors.value)
    let offset = Int(group % superblock.descriptorsPerBlock) * superblock.descriptorSize
    let span = try block.rawSpan.slice(offset, count: superblock.descriptorSize, of: subject)
    try verifyChecksum(of: span, group: group)
    let isLong = superblock.descriptorSize >= 64
    func place(_ low: Int, _ high: Int) throws(ReadError) -> UInt64 {
      UInt64(try span.le32(low, of: subject)) | (isLong ? UInt64(try span.le32(high, of: subject)) << 32 : 0)
    }
    let table = try place(0x08, 0x28)
    guard table > superblock.firstDataBlock, table < superblock.blockCount,
      superblock.tableBlocksPerGroup <= superblock.blockCount - table
    else { throw .corrupt(subject, at: group) }
    return Metadata(
      blockBitmap: min(try place(0x00, 0x20), superblock.blockCount),
      inodeBitmap: min(try place(0x04, 0x24), superblock.blockCount), inodeTable: table)
  }

  private func verifyChecksum(of span: RawSpan, group: UInt64) throws(ReadError) {
    let checksumOffset = 0x1E
    let number = UInt32(truncatingIfNeeded: group)
    let computed: UInt16
    if superblock.hasMetadataChecksums {
      var crc = CRC32C(seed: superblock.checksumSeed)
      crc.update(le: number)
      crc.update(try span.slice(0, count: checksumOffset))
      crc.update(zeros: 2)
      crc.update(try span.slice(0x20, count: span.byteCount - 0x20))
      computed = UInt16(truncatingIfNeeded: crc.value)
    } else if superblock.readOnly.contains(.groupChecksums) {
      var crc = CRC16(seed: superblock.groupChecksumSeed)
      crc.update(le: number)
      crc.update(try span.slice(0, count: checksumOffset))
      crc.update(try span.slice(0x20, count: span.byteCount - 0x20))
      computed = crc.value
    } else {
      return
    }
    guard try span.le16(checksumOffset) == computed else { throw .checksum("group descriptor", at: group) }
  }

  /// The block that holds the descriptor of `group`.
  private func descriptorBlock(of group: UInt64) -> UInt64 {
    let index = group / superblock.descriptorsPerBlock
    guard superblock.incompatible.contains(.metaBlockGroups) && index >= superblock.firstMetaBlockGroup else {
      // The first superblock is at byte 1024: in block 1 where blocks are that small, even if clusters are not.
      let start =
        copy == 0 ? Ext4.Superblock.offset >> superblock.blockShift : superblock.firstBlock(ofGroup: copy)
      return start + 1 + index
    }
    var holder = index * superblock.descriptorsPerBlock
    if copy != 0 && holder + 1 < superblock.groupCount { holder += 1 }
    var skipped: UInt64 = superblock.hasSuperblock(inGroup: holder) ? 1 : 0
    if holder == 0 && superblock.blockSize == 1024 && superblock.firstDataBlock == 0 { skipped += 1 }
    return superblock.firstBlock(ofGroup: holder) + skipped
  }
}
