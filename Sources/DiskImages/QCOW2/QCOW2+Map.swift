internal import BlockDevices
internal import Bytes

/// What an L2 entry says of its cluster ("L2 table entry" in the specification).
extension QCOW2 {
  enum Cluster {
    /// Neither data nor zeros: the backing file's.
    case absent
    /// Reads as zeros, whatever the backing file holds.
    case zero
    /// Data at this byte of the file that holds data.
    case stored(UInt64)
    /// Compressed data. The value tells where, and how long they are: bits 0 to 61 of the entry.
    case compressed(UInt64)
    /// Each of the 32 parts of the cluster is one of the first three: what is allocated lies at this byte, if anywhere.
    case parts(UInt64?, Parts)
  }

  /// The states of the 32 parts ("subclusters") of a cluster, from the lowest bit on.
  struct Parts {
    let stored: UInt32
    let zero: UInt32
  }

  private static let offsetMask: UInt64 = 0x00FF_FFFF_FFFF_FE00
  private static let compressedFlag: UInt64 = 1 << 62
  /// The cluster has one reference. With a data file, an entry with this flag is allocated even at byte 0.
  private static let singleFlag: UInt64 = 1 << 63
  private static let zeroFlag: UInt64 = 1

  /// The place of the L2 table that entry `index` of the L1 table leads to; 0 for none.
  @Sendable func table(_ index: UInt64) throws(ReadError) -> UInt64 {
    // The L1 table of a snapshot may be shorter than the disk has become.
    guard index < tables.root.count else { return 0 }
    let offset = try tables.root.be64(index) & Self.offsetMask
    guard offset.isMultiple(of: header.clusterSize) else { throw .corrupt("entry of the L1 table", at: index) }
    return offset
  }

  /// The cluster that the L2 entry at byte `entry` of `page` is of.
  /// - Parameter position: the cluster's start on the disk.
  func cluster(_ page: [UInt8], _ entry: Int, at position: UInt64) throws(ReadError) -> Cluster {
    let span = page.rawSpan
    let value = try span.be64(entry, of: "L2 table")
    if value & Self.compressedFlag != 0 {
      guard !header.has(.dataFile) else {
        throw .corrupt("compressed cluster in an image with a data file", at: position)
      }
      return .compressed(value & (Self.compressedFlag - 1))
    }
    let offset = value & Self.offsetMask
    let isAllocated = offset != 0 || header.has(.dataFile) && value & Self.singleFlag != 0
    guard header.has(.extendedEntries) else {
      if value & Self.zeroFlag != 0 {
        guard header.version >= 3 else { throw .corrupt("entry of the L2 table", at: position) }
        return .zero
      }
      return isAllocated ? .stored(try checked(offset, at: position)) : .absent
    }
    let bits = try span.be64(entry + 8, of: "L2 table")
    let parts = Parts(stored: UInt32(truncatingIfNeeded: bits), zero: UInt32(truncatingIfNeeded: bits >> 32))
    guard parts.stored & parts.zero == 0, isAllocated || parts.stored == 0 else {
      throw .corrupt("states of a cluster's parts", at: position)
    }
    return .parts(isAllocated && parts.stored != 0 ? try checked(offset, at: position) : nil, parts)
  }

  /// A cluster of data begins at a multiple of its size, and in a raw data file at its own place.
  private func checked(_ offset: UInt64, at position: UInt64) throws(ReadError) -> UInt64 {
    guard offset.isMultiple(of: header.clusterSize), !header.hasRawDataFile || offset == position else {
      throw .corrupt("entry of the L2 table", at: position)
    }
    return offset
  }
}

extension QCOW2 {
  func map(_ range: Range<UInt64>, into extents: inout ExtentList) throws(ReadError) {
    try tables.map(range, into: &extents, parent: parent, source: parentSource, table: table) {
      (page, entry, part, extents) throws(ReadError) in
      let start = part.lowerBound & ~(header.clusterSize - 1)
      try append(try cluster(page, entry, at: start), from: start, part, to: &extents)
    }
  }

  /// Appends `part` of a cluster that begins at `start`.
  private func append(
    _ cluster: Cluster, from start: UInt64, _ part: Range<UInt64>, to extents: inout ExtentList
  ) throws(ReadError) {
    switch cluster {
    case .absent: extents.append(absent: part, parent: parent, source: parentSource)
    case .zero: extents.append(.unwritten, length: part.upperBound - part.lowerBound)
    case .stored(let offset): try append(stored: part, from: start, at: offset, to: &extents)
    case .compressed(let unit):
      let place = compressedPlace(unit)
      // Not in the header, and not past the end. How long it is, is only known roughly: the last may end short.
      guard place.offset >= header.length, place.offset < device.size else {
        throw .corrupt("compressed cluster", at: start)
      }
      extents.append(
        .encoded(EncodedUnit(unit, size: Int(header.clusterSize)), skip: Int(part.lowerBound - start)),
        length: part.upperBound - part.lowerBound)
    case .parts(let offset, let parts):
      try append(parts, from: start, at: offset, part, to: &extents)
    }
  }

  /// Appends data of a cluster that begins at `start` on the disk, and at `offset` in the file that holds it.
  private func append(
    stored part: Range<UInt64>, from start: UInt64, at offset: UInt64, to extents: inout ExtentList
  ) throws(ReadError) {
    let place = offset + (part.lowerBound - start)
    let size = sources[dataSource].size
    guard place < size else { throw .corrupt("entry of the L2 table", at: start) }
    let length = part.upperBound - part.lowerBound
    guard length <= size - place else { throw .truncated("cluster", at: place) }
    extents.append(.mapped(source: dataSource, offset: place), length: length)
  }

  /// Appends `part` of a cluster whose parts are in several states.
  private func append(
    _ parts: Parts, from start: UInt64, at offset: UInt64?, _ part: Range<UInt64>, to extents: inout ExtentList
  ) throws(ReadError) {
    let partSize = header.clusterSize / 32
    var position = part.lowerBound
    while position < part.upperBound {
      let index = (position - start) / partSize
      let end = min(start + (index + 1) * partSize, part.upperBound)
      if parts.zero >> UInt32(index) & 1 != 0 {
        extents.append(.unwritten, length: end - position)
      } else if let offset, parts.stored >> UInt32(index) & 1 != 0 {
        try append(stored: position..<end, from: start, at: offset, to: &extents)
      } else {
        extents.append(absent: position..<end, parent: parent, source: parentSource)
      }
      position = end
    }
  }
}
