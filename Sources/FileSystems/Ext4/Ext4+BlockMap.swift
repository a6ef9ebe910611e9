internal import BlockDevices
internal import Bytes

/// From a file's block numbers to the filesystem's, whichever way an inode stores them.
extension Ext4 {
  /// Consecutive blocks of a file that lie together.
  struct BlockRun {
    enum Place {
      case hole
      /// Allocated, with the filesystem's block that is the first one, but never written.
      case unwritten(UInt64)
      /// The filesystem's block that holds the first one.
      case blocks(UInt64)
    }

    let place: Place
    /// Number within the file.
    let first: UInt64
    /// At least 1.
    let count: UInt64

    var end: UInt64 { first + count }
  }

  /// Visits the runs that make up blocks `first ..< end` of an inode's contents, ascending and without a gap, until
  /// `visit` gives false.
  func forEachRun(
    of inode: Inode, from first: UInt64, to end: UInt64, _ visit: (BlockRun) throws(ReadError) -> Bool
  ) throws(ReadError) {
    guard first < end else { return }
    switch inode.storage {
    case .extents: try forEachExtent(of: inode, from: first, to: end, visit)
    case .pointers: try forEachPointerRun(of: inode, from: first, to: end, visit)
    case .inline, .target, .special: throw .corrupt("inode", at: UInt64(inode.number))
    }
  }

  /// The filesystem's block that holds block `number` of an inode's contents; nil where there is none.
  func block(_ number: UInt64, of inode: Inode) throws(ReadError) -> UInt64? {
    var found: UInt64?
    try forEachRun(of: inode, from: number, to: number + 1) { (run) throws(ReadError) in
      if case .blocks(let block) = run.place { found = block }
      return false
    }
    return found
  }

  /// Appends `count` bytes at `offset` of an inode's contents, whatever type it has.
  func readContents(
    of inode: Inode, _ count: Int, at offset: UInt64, into out: inout OutputRawSpan
  ) throws(ReadError) {
    var extents = ExtentList(limit: 64)
    var position = offset
    let end = offset + UInt64(count)
    while position < end {
      extents.removeAll()
      try mapContents(of: inode, position..<end, into: &extents)
      guard extents.length > 0 else { throw .corrupt("inode", at: UInt64(inode.number)) }
      for extent in extents.extents {
        if case .mapped(_, let lower) = extent.kind {
          try device.read(Int(extent.length), at: lower, into: &out)
        } else {
          out.append(zeros: Int(extent.length))
        }
      }
      position += extents.length
    }
  }

  /// The extents of an inode's contents in bytes, for inodes whose contents lie in blocks.
  func mapContents(
    of inode: Inode, _ range: Range<UInt64>, into extents: inout ExtentList
  ) throws(ReadError) {
    let shift = superblock.blockShift
    var position = range.lowerBound
    try forEachRun(of: inode, from: position >> shift, to: (range.upperBound - 1) >> shift + 1) {
      (run) throws(ReadError) in
      // The runs' blocks are below 2³², so that nothing here overflows.
      let end = min(run.end << shift, range.upperBound)
      let length = end - position
      switch run.place {
      case .hole: extents.append(.hole, length: length)
      case .unwritten(let block):
        extents.append(
          .unwritten, length: length, reserved: (block << shift) &+ (position - run.first << shift))
      case .blocks(let block):
        extents.append(
          .mapped(source: 0, offset: (block << shift) + (position - run.first << shift)), length: length)
      }
      position = end
      return !extents.isFull
    }
  }
}
