internal import Bytes

/// Indexes of large directories, behind their inodes: one entry for about each 8 KiB of the listing, at a header.
///
///     bytes of the listing in front:4 | position of its metadata block:4 | length of the name − 1:4 | first name there
extension SquashFS {
  private struct IndexEntry {
    let offset: UInt32
    let block: UInt32
  }

  /// The part of a listing that a name must be in.
  struct IndexRange {
    /// nil for the listing's start.
    var start: ListingPlace?
    /// Bytes of the listing: the header from which on the name cannot be there.
    var end: UInt64 = .max
  }

  /// All of the listing where the index is damaged: it is there as ever.
  func indexRange(
    of name: RawSpan, in inode: Inode, _ directory: Inode.Directory
  ) throws(ReadError) -> IndexRange {
    var range = IndexRange()
    do throws(ReadError) {
      try forEachIndexEntry(of: inode, directory) { (entry, first) throws(ReadError) in
        guard first.isNotAbove(name) else {
          range.end = UInt64(entry.offset)
          return false
        }
        range.start = try place(of: entry, in: inode, directory)
        return true
      }
    } catch  where error.cause == .corrupt {
      return IndexRange()
    }
    return range
  }

  /// The last place that the index knows of in front of byte `offset` of a listing; nil for the listing's start.
  func indexPlace(before offset: UInt64, in node: NodeID) throws(ReadError) -> ListingPlace? {
    let (inode, directory) = try directory(node)
    var found: ListingPlace?
    do throws(ReadError) {
      try forEachIndexEntry(of: inode, directory) { (entry, _) throws(ReadError) in
        guard UInt64(entry.offset) <= offset else { return false }
        found = try place(of: entry, in: inode, directory)
        return true
      }
    } catch  where error.cause == .corrupt {
      return nil
    }
    return found
  }

  private func place(
    of entry: IndexEntry, in inode: Inode, _ directory: Inode.Directory
  ) throws(ReadError) -> ListingPlace {
    let block = try superblock.directoryTable.adding(UInt64(entry.block), of: "directory index")
    guard UInt64(entry.offset) < directory.listingSize, superblock.directoryRegion.contains(block) else {
      throw .corrupt("directory index", at: inode.node.rawValue)
    }
    let offset = (UInt64(entry.offset) + UInt64(directory.offset)) % UInt64(Self.metadataBlockSize)
    return ListingPlace(place: MetadataPlace(block: block, offset: Int(offset)), offset: UInt64(entry.offset))
  }

  private func forEachIndexEntry(
    of inode: Inode, _ directory: Inode.Directory, _ body: (IndexEntry, RawSpan) throws(ReadError) -> Bool
  ) throws(ReadError) {
    guard directory.indexCount > 0 else { return }
    var cursor = try MetadataCursor(
      of: metadata, at: inode.tail, in: superblock.inodeRegion, subject: "directory index")
    for _ in 0..<directory.indexCount {
      let fixed = try cursor.read(12) { (span) throws(ReadError) in
        (entry: IndexEntry(offset: try span.le32(0), block: try span.le32(4)), length: try span.le32(8))
      }
      guard fixed.length < Self.longestName else { throw .corrupt("directory index", at: inode.node.rawValue) }
      let goesOn = try cursor.read(Int(fixed.length) + 1) { (name) throws(ReadError) in
        try body(fixed.entry, name)
      }
      guard goesOn else { return }
    }
  }
}

extension RawSpan {
  /// Whether this name comes before `other` in the order of bytes, or is the same.
  fileprivate func isNotAbove(_ other: RawSpan) -> Bool {
    for index in 0..<min(byteCount, other.byteCount) where self[index] != other[index] {
      return self[index] < other[index]
    }
    return byteCount <= other.byteCount
  }
}
