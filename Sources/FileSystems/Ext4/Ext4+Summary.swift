internal import BlockDevices

/// What the filesystem says of itself, with the numbers of statfs(2) as Linux computes them.
extension Ext4 {
  public var summary: FileSystemSummary {
    let facts = superblock.facts
    let free = superblock.facts.freeBlockCount
    let kept = facts.reservedBlockCount &+ spareBlocks
    let overhead = min(overheadBlocks, superblock.blockCount)
    return FileSystemSummary(
      type: typeName, label: facts.label, uuid: FileSystemSummary.uuid(facts.uuid),
      blockSize: UInt32(superblock.blockSize), blockCount: superblock.blockCount - overhead, freeBlockCount: free,
      availableBlockCount: free > kept ? free - kept : 0, inodeCount: UInt64(superblock.inodeCount),
      freeInodeCount: UInt64(facts.freeInodeCount), size: superblock.size,
      features: Self.featureNames(superblock.compatible, superblock.incompatible, superblock.readOnly),
      created: Self.time(facts.created), lastMounted: Self.time(facts.mounted), lastWritten: Self.time(facts.written),
      lastMountPoint: facts.lastMountPoint.isEmpty ? nil : String(decoding: facts.lastMountPoint, as: UTF8.self),
      isClean: isClean, notices: openingNotices + stateNotices)
  }

  /// As libblkid tells the three apart: by what the oldest driver that reads it would be.
  private var typeName: String {
    // filetype, needs_recovery and meta_bg; sparse_super, large_file and btree_dir.
    let isOld = superblock.incompatible.rawValue & ~0x16 == 0 && superblock.readOnly.rawValue & ~0x7 == 0
    guard isOld else { return "ext4" }
    if superblock.compatible.contains(.hasJournal) { return "ext3" }
    return superblock.incompatible.contains(.needsRecovery) ? "ext4" : "ext2"
  }

  private static func time(_ seconds: Int64) -> Timestamp? { seconds == 0 ? nil : Timestamp(seconds: seconds) }

  /// Blocks that Linux keeps back for itself, beside those that are reserved: a fiftieth, but no more than 4096 clusters.
  private var spareBlocks: UInt64 {
    guard superblock.incompatible.contains(.extents) else { return 0 }
    return min((superblock.blockCount >> superblock.clusterShift) / 50, 4096) << superblock.clusterShift
  }

  /// Blocks that never hold a file's bytes.
  private var overheadBlocks: UInt64 {
    let stored = UInt64(superblock.facts.overheadClusters)
    if superblock.readOnly.contains(.bigAllocation), stored > 0, stored <= superblock.blockCount {
      return stored << superblock.clusterShift
    }
    var blocks = superblock.firstDataBlock + superblock.allBaseMetadataBlocks
    // Each group has two bitmaps and an inode table.
    blocks += superblock.groupCount * (superblock.tableBlocksPerGroup + 2)
    let journal = superblock.facts.journalInode
    if superblock.compatible.contains(.hasJournal), journal != 0,
      let inode = try? readInode(journal, by: descriptors)
    {
      blocks += inode.size >> superblock.blockShift
    }
    return blocks
  }
}

/// The state in which it was left.
extension Ext4 {
  private var wasUnmounted: Bool { superblock.facts.state & 0x1 != 0 }
  private var hasErrors: Bool { superblock.facts.state & 0x2 != 0 || superblock.facts.errorCount > 0 }
  private var needsRecovery: Bool { superblock.incompatible.contains(.needsRecovery) }
  private var hasOrphans: Bool {
    superblock.facts.lastOrphan != 0 || superblock.readOnly.contains(.orphansPresent)
  }

  private var isClean: Bool { wasUnmounted && !hasErrors && !needsRecovery }

  private var stateNotices: [String] {
    var notices: [String] = []
    if needsRecovery {
      notices.append("journal needs recovery: what was written last may be missing or out of date")
    } else if !wasUnmounted {
      notices.append("not cleanly unmounted: what was written last may be missing or damaged")
    }
    if hasErrors {
      let count = superblock.facts.errorCount
      notices.append("errors were found in it while it was in use\(count > 0 ? " (\(count))" : "")")
    }
    if hasOrphans { notices.append("files that were deleted while in use still take space") }
    return notices + FileSystemSummary.truncationNotices(size: superblock.size, deviceSize: device.size)
  }
}
