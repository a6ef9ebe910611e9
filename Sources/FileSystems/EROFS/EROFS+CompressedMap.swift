internal import BlockDevices
internal import Bytes

/// From indexes to extents.
extension EROFS {
  /// A run of a compressed file that is stored as one.
  struct CompressedExtent {
    enum Contents {
      case hole
      /// Stored as it is. Interlaced, the bytes up to the end of the block that the extent begins in stand at the end,
      /// and the others at the start.
      case plain(address: UInt64, length: UInt64, isInterlaced: Bool)
      case encoded(Algorithm, address: UInt64, length: UInt64)
      /// From this offset of the file of fragments on.
      case fragment(UInt64)
    }

    /// Offsets in the file.
    let start: UInt64
    let end: UInt64
    let contents: Contents
    /// Whether the stored bytes stand among the metadata.
    var isInMetadata = false
    /// Whether the stored bytes decode to more than this extent.
    var isPartial = false
  }

  /// Finds a compressed file's extents.
  fileprivate struct ExtentFinder {
    let inode: Inode
    let superblock: Superblock
    let header: CompressionHeader
    var indexes: ClusterIndexes
    /// The head of the last extent, which is stored elsewhere: behind the indexes, or in the file of fragments. Found
    /// when it is first needed.
    var tail: Tail?

    struct Tail {
      let head: UInt64
      /// Where the cluster behind the indexes begins.
      let inlineStart: UInt64
      let fragmentOffset: UInt64
    }
  }
}

extension EROFS.Mapper {
  func mapCompressed(_ inode: EROFS.Inode, _ range: Range<UInt64>, into extents: inout ExtentList) throws(ReadError) {
    var cursor = try cursor(for: inode)
    let header = try EROFS.CompressionHeader(of: inode, in: superblock, by: &cursor)
    switch header.kind {
    case .wholeFragment(let offset):
      let whole = EROFS.CompressedExtent(start: 0, end: inode.size, contents: .fragment(offset))
      try append(range, of: whole, inode, to: &extents)
    case .extents(let count):
      var table = EROFS.ExtentTable(inode: inode, header: header, count: count, cursor: cursor)
      try map(range, of: inode, into: &extents) { (position) throws(ReadError) in
        try extent(of: try table.record(at: position), header: header)
      }
    case .clusters:
      var finder = EROFS.ExtentFinder(
        inode: inode, superblock: superblock, header: header,
        indexes: EROFS.ClusterIndexes(
          inode: inode, header: header, blockShift: superblock.blockShift, cursor: cursor))
      try map(range, of: inode, into: &extents) { (position) throws(ReadError) in try finder.extent(at: position) }
    }
  }

  /// Extents that one call goes through at most: a run of holes is one extent to whoever asks, however long it is.
  private static let extentLimit = 1 << 16

  private func map(
    _ range: Range<UInt64>, of inode: EROFS.Inode, into extents: inout ExtentList,
    find: (UInt64) throws(ReadError) -> EROFS.CompressedExtent
  ) throws(ReadError) {
    var position = range.lowerBound
    for _ in 0..<Self.extentLimit {
      guard position < range.upperBound, !extents.isFull else { return }
      let extent = try find(position)
      guard extent.start <= position, position < extent.end, extent.end <= inode.size else {
        throw .corrupt("compression index", at: inode.number)
      }
      let end = min(range.upperBound, extent.end)
      let before = extents.length
      try append(position..<end, of: extent, inode, to: &extents)
      // What it consists of may be more than there is room for.
      guard extents.length - before == end - position else { return }
      position = end
    }
  }

  private func extent(
    of record: EROFS.ExtentTable.Record, header: EROFS.CompressionHeader
  ) throws(ReadError) -> EROFS.CompressedExtent {
    let contents: EROFS.CompressedExtent.Contents
    if record.isLast, header.advice.contains(.fragment) {
      contents = .fragment(record.fragmentOffset)
    } else if record.length == 0 {
      contents = .hole
    } else if record.format == 0 {
      let blockMask = UInt64(superblock.blockSize) - 1
      contents = .plain(
        address: record.address, length: record.length,
        isInterlaced: header.advice.contains(.interlaced) && (record.address | record.length) & blockMask == 0)
    } else {
      guard let algorithm = EROFS.Algorithm(rawValue: record.format - 1) else {
        throw .unsupported("compression algorithm")
      }
      contents = .encoded(algorithm, address: record.address, length: record.length)
    }
    return EROFS.CompressedExtent(
      start: record.start, end: record.end, contents: contents, isPartial: record.isPartial)
  }
}

extension EROFS.ExtentFinder {
  private var corrupt: ReadError { indexes.corrupt }

  /// Whether the last extent is stored elsewhere than the others.
  private var hasTail: Bool { header.inlineSize > 0 || header.advice.contains(.fragment) }

  mutating func extent(at position: UInt64) throws(ReadError) -> EROFS.CompressedExtent {
    let tail = hasTail ? try findTail() : nil
    if let tail, header.advice.contains(.fragment), tail.head == 0 {
      return EROFS.CompressedExtent(start: 0, end: inode.size, contents: .fragment(tail.fragmentOffset))
    }
    let head = try head(of: position)
    let shift = header.clusterShift
    let start = head.number << shift + head.offset
    let end = try self.end(of: head, start: start)
    guard start <= position, end > start else { throw corrupt }

    let length: UInt64
    let address: UInt64
    var isInMetadata = false
    if let tail, tail.head == head.number {
      guard header.inlineSize > 0 else {
        return EROFS.CompressedExtent(start: start, end: end, contents: .fragment(tail.fragmentOffset))
      }
      length = header.inlineSize
      address = tail.inlineStart
      isInMetadata = true
      guard address % UInt64(superblock.blockSize) + length <= UInt64(superblock.blockSize) else {
        throw .corrupt("inline cluster", at: inode.number)
      }
    } else {
      length = try superblock.offset(ofBlock: try storedBlocks(of: head))
      address = try superblock.offset(ofBlock: head.block)
    }
    let contents: EROFS.CompressedExtent.Contents =
      switch head.kind {
      case .plain:
        .plain(address: address, length: length, isInterlaced: header.advice.contains(.interlaced))
      case .head1: .encoded(header.algorithms.0, address: address, length: length)
      case .head2: .encoded(header.algorithms.1, address: address, length: length)
      case .inner: throw corrupt
      }
    return EROFS.CompressedExtent(
      start: start, end: end, contents: contents, isInMetadata: isInMetadata, isPartial: head.isPartial)
  }

  /// Clusters that an extent can have at most, the one that it only begins in counted.
  private var clusterLimit: UInt64 { EROFS.Compression.longestDecoded >> header.clusterShift + 1 }

  /// The head of the extent that holds a byte of the file.
  private mutating func head(of position: UInt64) throws(ReadError) -> EROFS.ClusterIndex {
    let first = position >> header.clusterShift
    var index = try indexes.index(first, wantsAhead: false)
    if index.kind != .inner {
      if position - first << header.clusterShift >= index.offset { return index }
      // The extent that ends in this cluster.
      guard first > 0 else { throw corrupt }
      index.back = 1
    }
    var storedBlocks: UInt64?
    while true {
      guard index.back > 0, index.back <= index.number else { throw corrupt }
      if index.kind == .inner { storedBlocks = index.storedBlocks }
      index = try indexes.index(index.number - index.back, wantsAhead: false)
      if index.kind != .inner { break }
      guard first - index.number <= clusterLimit else { throw .unsupported("size of extent", at: inode.number) }
    }
    if let storedBlocks { index.storedBlocks = storedBlocks }
    return index
  }

  /// Where the extent that begins at a head ends: at the next head, or with the file.
  private mutating func end(of head: EROFS.ClusterIndex, start: UInt64) throws(ReadError) -> UInt64 {
    let shift = header.clusterShift
    var number = head.number + 1
    while number << shift < inode.size {
      guard number - head.number <= clusterLimit else { throw .unsupported("size of extent", at: inode.number) }
      let index = try indexes.index(number, wantsAhead: true)
      if index.kind != .inner { return min(number << shift + index.offset, inode.size) }
      // Programs before version 1.0 left zeros there.
      number += max(index.ahead, 1)
    }
    return inode.size
  }

  /// Blocks that the extent takes which begins at a head.
  private mutating func storedBlocks(of head: EROFS.ClusterIndex) throws(ReadError) -> UInt64 {
    let isBig = header.advice.contains(head.kind == .head1 ? .bigClusters1 : .bigClusters2)
    let next = head.number + 1
    guard isBig, next << header.clusterShift < inode.size else { return 1 }
    if let blocks = head.storedBlocks, blocks > 0 { return blocks }
    let index = try indexes.index(next, wantsAhead: false)
    guard index.kind == .inner else { return 1 }
    guard index.back == 1 else { throw corrupt }
    guard let blocks = index.storedBlocks, blocks > 0 else { return 1 }
    return blocks
  }

  private mutating func findTail() throws(ReadError) -> EROFS.ExtentFinder.Tail {
    if let tail { return tail }
    let position = inode.size - 1
    let last = try indexes.index(position >> header.clusterShift, wantsAhead: false)
    let head = try head(of: position)
    // Full indexes have the offset's high bits in the place of a block.
    let high = inode.storage == .compressedFull ? head.block << 32 : 0
    let found = Tail(head: head.number, inlineStart: last.next, fragmentOffset: header.fragmentOffset | high)
    tail = found
    return found
  }
}
