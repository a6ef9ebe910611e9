internal import Bytes

/// Indexes of compressed files: one for each logical cluster, a piece of the file of fixed size.
///
/// An extent is a run of bytes of the file that was compressed as one. The cluster in which it begins is its head: the
/// index says where in the cluster, and in which block the compressed bytes begin. The others' say how many clusters
/// back the head is, and how many on the next one. Where extents take more than a block, the first after the head says
/// how many instead.
extension EROFS {
  struct ClusterIndex {
    enum Kind: UInt8 {
      /// The head of an extent that is stored as it is.
      case plain = 0
      case head1 = 1
      case inner = 2
      case head2 = 3
    }

    let kind: Kind
    /// The cluster's number.
    let number: UInt64
    /// Where in the cluster its extent begins; a whole cluster for inner ones.
    var offset: UInt64 = 0
    /// The extent's first block.
    var block: UInt64 = 0
    /// Clusters back to the head, or nearer to it.
    var back: UInt64 = 0
    /// Clusters on to the next head, or nearer to it.
    var ahead: UInt64 = 0
    /// Blocks that the extent takes; nil where this index does not say.
    var storedBlocks: UInt64?
    /// Whether only the first of the bytes that the extent decodes to are meant.
    var isPartial = false
    /// Byte offset in the metadata space of what follows this index, or the pack of indexes that it is in.
    var next: UInt64 = 0
  }

  /// The indexes of one file.
  struct ClusterIndexes {
    /// Of a number of clusters: what it is instead is a number of blocks.
    private static let storedBlocksFlag: UInt64 = 1 << 11

    let inode: Inode
    let header: CompressionHeader
    let blockShift: UInt64
    var cursor: MetadataCursor

    var hasBigClusters: Bool {
      header.advice.contains(.bigClusters1) || header.advice.contains(.bigClusters2)
    }

    /// - Parameter wantsAhead: whether `ahead` is needed: with compact indexes it has to be found out.
    mutating func index(_ number: UInt64, wantsAhead: Bool) throws(ReadError) -> ClusterIndex {
      inode.storage == .compressedFull ? try full(number) : try compact(number, wantsAhead: wantsAhead)
    }

    var corrupt: ReadError { .corrupt("compression index", at: inode.number) }
  }
}

/// Full indexes: `struct z_erofs_lcluster_index`, 8 bytes, 8 bytes behind the header.
extension EROFS.ClusterIndexes {
  private mutating func full(_ number: UInt64) throws(ReadError) -> EROFS.ClusterIndex {
    let subject: StaticString = "compression index"
    let position = try number.multiplied(by: 8, of: subject).adding(header.end + 8, of: subject)
    let at = try cursor.seek(8, at: position)
    let span = cursor.bytes.rawSpan
    let advice = try span.le16(at)
    guard let kind = EROFS.ClusterIndex.Kind(rawValue: UInt8(advice & 3)) else { throw corrupt }
    var index = EROFS.ClusterIndex(kind: kind, number: number, next: position + 8)
    if kind == .inner {
      index.offset = 1 << header.clusterShift
      try setBack(UInt64(try span.le16(at + 4)), of: &index, isAllowed: hasBigClusters)
      index.ahead = UInt64(try span.le16(at + 6))
    } else {
      index.isPartial = advice & 0x8000 != 0
      index.offset = UInt64(try span.le16(at + 2))
      guard index.offset < 1 << header.clusterShift else { throw corrupt }
      index.block = UInt64(try span.le32(at + 4))
    }
    return index
  }

  /// - Parameter isAllowed: whether numbers of blocks can stand there.
  private func setBack(_ value: UInt64, of index: inout EROFS.ClusterIndex, isAllowed: Bool) throws(ReadError) {
    guard value & Self.storedBlocksFlag != 0 else { return index.back = value }
    guard isAllowed else { throw corrupt }
    index.storedBlocks = value & ~Self.storedBlocksFlag
    index.back = 1
  }
}

/// Compact indexes: packs of 16 indexes in 32 bytes or of 2 in 8 bytes, the last 4 of which are the number of a block
/// that the heads' blocks are counted from.
///
///     header | 4-byte indexes up to a multiple of 32 bytes | 2-byte indexes, a multiple of 16 | 4-byte indexes
///     index    low bits: offset in the cluster, or clusters back (12 or more) | type (2)
///
/// The last index of a pack has the clusters ahead instead of those back.
extension EROFS.ClusterIndexes {
  /// The shape of a pack of indexes.
  private struct Pack {
    /// Where it begins in the bytes at hand.
    let start: Int
    /// Indexes in it.
    let count: Int
    /// Bits of an index.
    let width: Int
    /// Bits of an index without its type.
    let lowBits: UInt32

    func entry(_ index: Int, in bytes: RawSpan) throws(ReadError) -> (kind: EROFS.ClusterIndex.Kind, low: UInt64) {
      let bit = index * width
      let value = try bytes.le32(start + bit / 8, of: "compression index") >> UInt32(bit % 8)
      guard let kind = EROFS.ClusterIndex.Kind(rawValue: UInt8(value >> lowBits & 3)) else {
        throw .corrupt("compression index")
      }
      return (kind, UInt64(value & (1 << lowBits - 1)))
    }
  }

  private mutating func compact(_ number: UInt64, wantsAhead: Bool) throws(ReadError) -> EROFS.ClusterIndex {
    guard header.clusterShift <= 14 else { throw .unsupported("size of logical clusters", at: inode.number) }
    let total = inode.size.roundedUp(toMultipleOf: 1 << blockShift) >> blockShift
    guard number < total else { throw corrupt }
    let first = min((32 - header.end % 32) / 4 & 7, total)
    let short = header.advice.contains(.compactTwoBytes) ? (total - first) / 16 * 16 : 0
    var position = header.end
    var isShort = false
    if number < first {
      position += number * 4
    } else if number - first < short {
      position += first * 4 + (number - first) * 2
      isShort = true
    } else {
      position = try (number - first - short).multiplied(by: 4, of: "compression index")
        .adding(header.end + first * 4 + short * 2, of: "compression index")
    }
    guard !isShort || header.clusterShift <= 12 else {
      throw .unsupported("size of logical clusters", at: inode.number)
    }

    let packSize: UInt64 = isShort ? 32 : 8
    let start = position & ~(packSize - 1)
    let at = try cursor.seek(Int(packSize), at: start)
    let pack = Pack(
      start: at, count: isShort ? 16 : 2, width: isShort ? 14 : 16, lowBits: max(UInt32(header.clusterShift), 12))
    let place = Int((position - start) / (isShort ? 2 : 4))
    var index = try read(place, of: pack, number: number, wantsAhead: wantsAhead)
    if index.kind != .inner {
      index.block = UInt64(try cursor.bytes.rawSpan.le32(at + Int(packSize) - 4)) + (try blocksBefore(place, in: pack))
    }
    index.next = start + packSize
    return index
  }

  private func read(
    _ place: Int, of pack: Pack, number: UInt64, wantsAhead: Bool
  ) throws(ReadError) -> EROFS.ClusterIndex {
    let (kind, low) = try pack.entry(place, in: cursor.bytes.rawSpan)
    var index = EROFS.ClusterIndex(kind: kind, number: number)
    guard kind == .inner else {
      guard low < 1 << header.clusterShift else { throw corrupt }
      index.offset = low
      return index
    }
    index.offset = 1 << header.clusterShift
    if wantsAhead { index.ahead = try distanceAhead(from: place, in: pack) }
    if low & Self.storedBlocksFlag != 0 || place + 1 < pack.count {
      try setBack(low, of: &index, isAllowed: hasBigClusters)
      return index
    }
    // The last one of the pack: one further back than its predecessor.
    let (before, distance) = try pack.entry(place - 1, in: cursor.bytes.rawSpan)
    index.back =
      before != .inner ? 1 : distance & Self.storedBlocksFlag != 0 ? 2 : distance + 1
    return index
  }

  private func distanceAhead(from place: Int, in pack: Pack) throws(ReadError) -> UInt64 {
    var distance: UInt64 = 0
    for next in place..<pack.count {
      let (kind, low) = try pack.entry(next, in: cursor.bytes.rawSpan)
      if kind != .inner { return distance }
      distance += 1
      if next == pack.count - 1, low & Self.storedBlocksFlag == 0, low > 0 { distance += low - 1 }
    }
    return distance
  }

  /// How many blocks the extents take that begin in the pack before an index; or one more than their number, where each
  /// takes one block: the base is one less then.
  private func blocksBefore(_ place: Int, in pack: Pack) throws(ReadError) -> UInt64 {
    var blocks: UInt64 = hasBigClusters ? 0 : 1
    var place = place
    while place > 0 {
      place -= 1
      let (kind, low) = try pack.entry(place, in: cursor.bytes.rawSpan)
      if !hasBigClusters {
        // Whatever lies before the pack's first head has been counted by the packs before.
        if kind == .inner { place -= Int(low) }
        if place >= 0 { blocks += 1 }
      } else if kind != .inner {
        blocks += 1
      } else if low & Self.storedBlocksFlag != 0 {
        blocks += low & ~Self.storedBlocksFlag
        place -= 1
      } else {
        guard low > 1 else { throw corrupt }
        place -= Int(low) - 2
      }
    }
    return blocks
  }
}
