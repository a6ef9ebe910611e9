internal import BlockDevices
internal import Bytes

/// Extent trees: Documentation/filesystems/ext4/ifork.rst.
///
///     node     header:12 | entry:12 | entry:12 | …                    in i_block: room for 4 entries
///     header   magic 0xF30A:2 | entries:2 | max:2 | depth:2 | generation:4
///     index    block:4 | child:4 | child's high bits:2 | unused:2     where depth > 0
///     extent   block:4 | length:2 | start's high bits:2 | start:4     where depth is 0
///     tail     CRC-32C:4, behind the room for `max` entries           not in i_block
///
/// A node is verified once, when it is read into a cache. What is left to check while walking down is how it fits the
/// node above.
extension Ext4 {
  /// Greater depths cannot come of 2³² blocks.
  private static let maximumDepth = 5
  private static let entrySize = 12
  private static let headerSize = 12
  /// A greater length says that the extent was not written, and is 2¹⁵ more than the real one.
  private static let maximumWrittenLength: UInt32 = 1 << 15
  /// Files have block numbers below this.
  private static let blockLimit: UInt64 = 1 << 32

  /// A node's entries, at some offset in some bytes.
  struct ExtentNode {
    let bytes: [UInt8]
    let start: Int

    func count() throws(ReadError) -> Int { Int(try bytes.rawSpan.le16(start + 2, of: "extent tree")) }
    func depth() throws(ReadError) -> Int { Int(try bytes.rawSpan.le16(start + 6, of: "extent tree")) }

    /// The file's block at which an entry starts; the same place in both kinds of entries.
    func firstBlock(_ index: Int) throws(ReadError) -> UInt64 {
      UInt64(try bytes.rawSpan.le32(entry(index), of: "extent tree"))
    }

    func child(_ index: Int) throws(ReadError) -> UInt64 {
      let span = bytes.rawSpan
      return UInt64(try span.le32(entry(index) + 4, of: "extent tree"))
        | UInt64(try span.le16(entry(index) + 8, of: "extent tree")) << 32
    }

    func extent(_ index: Int) throws(ReadError) -> BlockRun {
      let span = bytes.rawSpan
      let length = UInt32(try span.le16(entry(index) + 4, of: "extent tree"))
      let start =
        UInt64(try span.le32(entry(index) + 8, of: "extent tree"))
        | UInt64(try span.le16(entry(index) + 6, of: "extent tree")) << 32
      let isWritten = length <= maximumWrittenLength
      return BlockRun(
        place: isWritten ? .blocks(start) : .unwritten(start), first: try firstBlock(index),
        count: UInt64(isWritten ? length : length - maximumWrittenLength))
    }

    private func entry(_ index: Int) -> Int { start + headerSize + index * entrySize }

    /// The last entry that starts at `block` or before it; -1 where all start behind it.
    func last(startingAtOrBefore block: UInt64, count: Int) throws(ReadError) -> Int {
      try (0..<count).partitioningIndex { (index) throws(ReadError) in try firstBlock(index) > block } - 1
    }
  }

  func forEachExtent(
    of inode: Inode, from first: UInt64, to end: UInt64, _ visit: (BlockRun) throws(ReadError) -> Bool
  ) throws(ReadError) {
    var position = first
    while position < end {
      // Down to the leaf for `position`; what lies at `limit` and behind it belongs to another leaf.
      var node = inode.extentRoot
      var depth = try node.depth()
      var limit = Self.blockLimit
      var isHole = false
      while depth > 0 && !isHole {
        let count = try node.count()
        let index = try node.last(startingAtOrBefore: position, count: count)
        if index + 1 < count { limit = min(limit, try node.firstBlock(index + 1)) }
        guard index >= 0 else {
          isHole = true
          break
        }
        depth -= 1
        node = try extentNode(try node.child(index), of: inode, depth: depth, firstBlock: try node.firstBlock(index))
      }
      let stop = min(limit, end)
      if !isHole {
        let count = try node.count()
        var index = max(0, try node.last(startingAtOrBefore: position, count: count))
        while index < count && position < stop {
          let extent = try node.extent(index)
          index += 1
          guard extent.end > position else { continue }
          if extent.first > position {
            let holeEnd = min(extent.first, stop)
            guard try visit(BlockRun(place: .hole, first: position, count: holeEnd - position)) else { return }
            position = holeEnd
            guard position < stop else { break }
          }
          let runEnd = min(extent.end, stop)
          guard try visit(extent.part(position..<runEnd)) else { return }
          position = runEnd
        }
      }
      if position < stop {
        guard try visit(BlockRun(place: .hole, first: position, count: stop - position)) else { return }
        position = stop
      }
      // Beyond the last block that a file can have: nothing asks for that.
      guard limit < Self.blockLimit || position >= end else { throw .corrupt("extent tree", at: UInt64(inode.number)) }
    }
  }

  private func extentNode(
    _ block: UInt64, of inode: Inode, depth: Int, firstBlock: UInt64
  ) throws(ReadError) -> ExtentNode {
    let tag = BlockTag.extentTree(of: inode.number, depth: depth)
    let bytes = try blocks.block(superblock.blockSize, at: block << superblock.blockShift, tag: tag.value) {
      (span) throws(ReadError) in
      try verifyExtentNode(span, of: inode, depth: depth)
      try verifyExtentTail(span, of: inode, block: block)
    }
    let node = ExtentNode(bytes: bytes, start: 0)
    // A node that starts elsewhere than the one above says is not the one that was meant.
    if try node.count() > 0, try node.firstBlock(0) != firstBlock { throw .corrupt("extent tree", at: block) }
    return node
  }

  /// - Parameter depth: what the node above implies; nil for a root, which says it itself.
  func verifyExtentNode(_ span: RawSpan, of inode: Inode, depth expected: Int?) throws(ReadError) {
    let subject: StaticString = "extent tree"
    let corrupt = ReadError.corrupt(subject, at: UInt64(inode.number))
    let count = Int(try span.le16(2, of: subject))
    let maximum = Int(try span.le16(4, of: subject))
    let depth = Int(try span.le16(6, of: subject))
    guard try span.le16(0, of: subject) == 0xF30A, maximum > 0, count <= maximum, depth <= Self.maximumDepth,
      Self.headerSize + maximum * Self.entrySize <= span.byteCount, expected == nil || expected == depth,
      count > 0 || depth == 0
    else { throw corrupt }

    var free: UInt64 = 0
    for index in 0..<count {
      let entry = Self.headerSize + index * Self.entrySize
      let first = UInt64(try span.le32(entry, of: subject))
      guard first >= free else { throw corrupt }
      if depth > 0 {
        let child = UInt64(try span.le32(entry + 4, of: subject)) | UInt64(try span.le16(entry + 8, of: subject)) << 32
        guard canBeFileData(child, count: 1) else { throw corrupt }
        free = first + 1
      } else {
        let stored = UInt32(try span.le16(entry + 4, of: subject))
        let length = UInt64(stored <= Self.maximumWrittenLength ? stored : stored - Self.maximumWrittenLength)
        let start = UInt64(try span.le32(entry + 8, of: subject)) | UInt64(try span.le16(entry + 6, of: subject)) << 32
        guard length > 0, first + length <= Self.blockLimit, canBeFileData(start, count: length) else {
          throw corrupt
        }
        free = first + length
      }
    }
  }

  private func verifyExtentTail(_ span: RawSpan, of inode: Inode, block: UInt64) throws(ReadError) {
    guard superblock.hasMetadataChecksums else { return }
    let tail = Self.headerSize + Int(try span.le16(4)) * Self.entrySize
    var crc = CRC32C(seed: inode.checksumSeed)
    crc.update(try span.slice(0, count: tail, of: "extent tree"))
    guard try span.le32(tail, of: "extent tree") == crc.value else { throw .checksum("extent tree", at: block) }
  }
}

extension Ext4.Inode {
  /// The root of the extent tree, in `i_block`.
  var extentRoot: Ext4.ExtentNode { Ext4.ExtentNode(bytes: bytes, start: Self.blockAreaOffset) }
}

extension Ext4.BlockRun {
  /// The part of a run that holds `range`, which lies within it.
  func part(_ range: Range<UInt64>) -> Ext4.BlockRun {
    let skipped = range.lowerBound - first
    let moved: Place =
      switch place {
      case .hole: .hole
      case .unwritten(let block): .unwritten(block &+ skipped)
      case .blocks(let block): .blocks(block + skipped)
      }
    return Ext4.BlockRun(place: moved, first: range.lowerBound, count: range.upperBound - range.lowerBound)
  }
}
