internal import Bytes

/// Where the filesystem's own structures lie: arithmetic on the superblock, with nothing read.
extension Ext4.Superblock {
  /// The first block of a group.
  func firstBlock(ofGroup group: UInt64) -> UInt64 { firstDataBlock + group * blocksPerGroup }

  /// Whether a copy of the superblock lies at the start of a group.
  func hasSuperblock(inGroup group: UInt64) -> Bool {
    if group == 0 { return true }
    if compatible.contains(.sparseSuper2) {
      return group == UInt64(backupGroups.0) || group == UInt64(backupGroups.1)
    }
    if group == 1 || !readOnly.contains(.sparseSuper) { return true }
    return [3, 5, 7].contains { Self.isPower(group, of: $0) }
  }

  private static func isPower(_ number: UInt64, of base: UInt64) -> Bool {
    var rest = number
    while rest > 1 && rest % base == 0 { rest /= base }
    return rest == 1
  }

  /// Blocks at the start of a group which the superblock's copy, the group descriptors and the room for more of them
  /// take.
  func baseMetadataBlocks(inGroup group: UInt64) -> UInt64 {
    let copies: UInt64 = hasSuperblock(inGroup: group) ? 1 : 0
    let metaGroup = group / descriptorsPerBlock
    guard incompatible.contains(.metaBlockGroups) && metaGroup >= firstMetaBlockGroup else {
      let descriptors =
        incompatible.contains(.metaBlockGroups)
        ? min(firstMetaBlockGroup, descriptorBlockCount) : descriptorBlockCount
      return copies == 0 ? 0 : 1 + descriptors + reservedDescriptorBlocks
    }
    // The first, second and last group of a meta block group hold its one block of descriptors.
    let place = group % descriptorsPerBlock
    return copies + (place < 2 || place == descriptorsPerBlock - 1 ? 1 : 0)
  }

  /// `baseMetadataBlocks` of all groups together, without a loop over them; at most all blocks, whatever the numbers say.
  var allBaseMetadataBlocks: UInt64 {
    let own: UInt64
    let descriptors: UInt64
    let copies: UInt64
    if incompatible.contains(.metaBlockGroups) {
      // Three blocks for each meta block group from the first on that is one; the last may have fewer groups.
      let first = min(firstMetaBlockGroup * descriptorsPerBlock, groupCount)
      let metaGroups = groupCount - first
      own =
        metaGroups / descriptorsPerBlock * min(3, descriptorsPerBlock) + min(metaGroups % descriptorsPerBlock, 2)
        + superblockGroups(below: groupCount) - superblockGroups(below: first)
      descriptors = min(firstMetaBlockGroup, descriptorBlockCount)
      copies = superblockGroups(below: first)
    } else {
      own = 0
      descriptors = descriptorBlockCount
      copies = superblockGroups(below: groupCount)
    }
    // Both factors can come close to 2³².
    let (product, overflow) = copies.multipliedReportingOverflow(by: 1 + descriptors + reservedDescriptorBlocks)
    return overflow ? blockCount : min(product, blockCount) + own
  }

  /// How many groups below `limit` hold a copy of the superblock.
  private func superblockGroups(below limit: UInt64) -> UInt64 {
    guard limit > 0 else { return 0 }
    if compatible.contains(.sparseSuper2) {
      let groups = Set([0, UInt64(backupGroups.0), UInt64(backupGroups.1)])
      return UInt64(groups.count { $0 < limit })
    }
    guard readOnly.contains(.sparseSuper) else { return limit }
    var count: UInt64 = limit > 1 ? 2 : 1
    for base in [3, 5, 7] as [UInt64] {
      var power = base
      while power < limit {
        count += 1
        power *= base
      }
    }
    return count
  }

  /// Whether a run of blocks can belong to a file: within the filesystem, and not where superblocks and group
  /// descriptors lie. (Of bitmaps and inode tables, `Ext4.canBeFileData` knows.)
  func canBeFileData(_ first: UInt64, count: UInt64) -> Bool {
    guard first > firstDataBlock, first < blockCount, count <= blockCount - first else { return false }
    var group = (first - firstDataBlock) / blocksPerGroup
    let last = (first + count - 1 - firstDataBlock) / blocksPerGroup
    // mke2fs makes no group of fewer than 256 blocks, so that an extent (at most 2¹⁵) lies in a few; to look at each of
    // 2¹⁵ groups, for each extent of a file, would take seconds.
    guard last - group <= 128 else { return false }
    if first - firstBlock(ofGroup: group) < baseMetadataBlocks(inGroup: group) { return false }
    while group < last {
      group += 1
      if baseMetadataBlocks(inGroup: group) > 0 { return false }
    }
    return true
  }
}
