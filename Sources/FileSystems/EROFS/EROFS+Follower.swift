internal import Bytes

/// The order in which files are stored.
extension EROFS {
  /// Inodes that are looked at, to find the next file: directories and links lie between.
  private static let lookAhead = 6

  /// Who makes an image writes inodes in the order of a walk, and numbers them in turn. Where one ends, the next one
  /// begins, but for the space that is left at the end of a block where it does not fit.
  public func follower(of node: NodeID) -> NodeID? {
    guard let inode = try? inode(node), !inode.isInMetadataBox, let base = try? superblock.offset(ofInode: 0) else {
      return nil
    }
    var current = inode
    for _ in 0..<Self.lookAhead {
      guard let next = successor(of: current, base: base) else { return nil }
      if next.type == .regular { return try? superblock.nodeID(of: next.number) }
      current = next
    }
    return nil
  }

  private func successor(of inode: Inode, base: UInt64) -> Inode? {
    guard let end = end(of: inode), end >= base else { return nil }
    let first = (end - base).roundedUp(toMultipleOf: Inode.slotSize) / Inode.slotSize
    let slotsPerBlock = UInt64(superblock.blockSize) / Inode.slotSize
    // Behind it; or at the start of the next block.
    for slot in [first, first.roundedUp(toMultipleOf: slotsPerBlock)] {
      if let next = try? mapper.inode(slot), next.serial == inode.serial &+ 1, next.attributes.linkCount > 0 {
        return next
      }
    }
    return nil
  }

  /// Where what belongs to an inode ends; nil where that would take a look at more than its header.
  private func end(of inode: Inode) -> UInt64? {
    let blockSize = UInt64(superblock.blockSize)
    switch inode.storage {
    case .plain: return inode.tailStart
    case .inline: return inode.tailStart + inode.size % blockSize
    case .chunks:
      let unit: UInt64 = inode.chunkFormat & ChunkFormat.indexes != 0 ? 8 : 4
      let chunk = blockSize << UInt64(inode.chunkFormat & ChunkFormat.sizeMask)
      let count = inode.size.roundedUp(toMultipleOf: chunk) / chunk
      return inode.tailStart.roundedUp(toMultipleOf: unit) + min(count, 1 << 40) * unit
    case .compressedFull, .compressedCompact:
      var cursor = MetadataCursor(mapper.main)
      guard let header = try? CompressionHeader(of: inode, in: superblock, by: &cursor) else { return nil }
      switch header.kind {
      case .wholeFragment: return header.end
      case .extents: return nil
      case .clusters:
        guard let indexesEnd = indexesEnd(of: inode, header) else { return nil }
        return indexesEnd + header.inlineSize
      }
    }
  }

  private func indexesEnd(of inode: Inode, _ header: CompressionHeader) -> UInt64? {
    guard inode.size > 0, inode.size < 1 << 48 else { return nil }
    if inode.storage == .compressedFull {
      return header.end + 8 + (inode.size.roundedUp(toMultipleOf: 1 << header.clusterShift) >> header.clusterShift) * 8
    }
    var indexes = ClusterIndexes(
      inode: inode, header: header, blockShift: superblock.blockShift, cursor: MetadataCursor(mapper.main))
    return try? indexes.index((inode.size - 1) >> header.clusterShift, wantsAhead: false).next
  }
}
