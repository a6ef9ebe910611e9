internal import BlockDevices
internal import Bytes
internal import Codecs
internal import SystemPackage

/// From extents of a compressed file to extents of devices and units, and decoding those.
extension EROFS {
  /// What a unit's `detail` says. Its id is the byte offset in its device, or in the file of compressed metadata.
  ///
  ///     stored bytes:24 | algorithm:8 | source:16 | flags:8
  struct UnitDetail {
    var storedSize: Int
    var algorithm: Algorithm
    var source: Int
    /// Whether the stored bytes decode to more than the unit.
    var isPartial: Bool
    var isInMetadataBox: Bool

    var rawValue: UInt64 {
      UInt64(storedSize) | UInt64(algorithm.rawValue) << 24 | UInt64(source) << 32
        | (isPartial ? 1 << 48 : 0) | (isInMetadataBox ? 1 << 49 : 0)
    }
  }
}

extension EROFS.UnitDetail {
  init?(rawValue: UInt64) {
    guard let algorithm = EROFS.Algorithm(rawValue: UInt8(truncatingIfNeeded: rawValue >> 24)) else { return nil }
    self.init(
      storedSize: Int(rawValue & 0xFF_FFFF), algorithm: algorithm, source: Int(rawValue >> 32 & 0xFFFF),
      isPartial: rawValue & 1 << 48 != 0, isInMetadataBox: rawValue & 1 << 49 != 0)
  }
}

extension EROFS.Mapper {
  /// Appends a part of an extent, which lies in it.
  func append(
    _ part: Range<UInt64>, of extent: EROFS.CompressedExtent, _ inode: EROFS.Inode, to extents: inout ExtentList
  ) throws(ReadError) {
    let size = extent.end - extent.start
    let skip = part.lowerBound - extent.start
    let count = part.upperBound - part.lowerBound
    switch extent.contents {
    case .hole: extents.append(.hole, length: count)
    case .fragment(let offset):
      try appendFragment(at: try offset.adding(skip, of: "fragment"), length: count, of: inode, to: &extents)
    case .plain(let address, let length, let isInterlaced):
      try check(address, stored: length, decoded: size)
      guard size <= length else { throw .corrupt("compression index", at: inode.number) }
      var position = skip
      if isInterlaced {
        let blockSize = UInt64(superblock.blockSize)
        let head = min(blockSize - extent.start % blockSize, length)
        if skip < head {
          let headCount = min(count, head - skip)
          try appendStored(
            at: address + (length - head) + skip, length: headCount, of: extent, inode, to: &extents)
          position += headCount
        }
        guard position < skip + count, !extents.isFull else { return }
        try appendStored(
          at: address + (position - head), length: skip + count - position, of: extent, inode, to: &extents)
      } else {
        try appendStored(at: address + skip, length: count, of: extent, inode, to: &extents)
      }
    case .encoded(let algorithm, let address, let length):
      try check(address, stored: length, decoded: size)
      guard superblock.compression.allows(algorithm) else {
        throw .corrupt("compression algorithm", at: inode.number)
      }
      let isInBox = extent.isInMetadata && inode.isInMetadataBox
      let place = extent.isInMetadata ? (source: 0, offset: address) : try devices.place(address, length: length)
      let detail = EROFS.UnitDetail(
        storedSize: Int(length), algorithm: algorithm, source: place.source, isPartial: extent.isPartial,
        isInMetadataBox: isInBox)
      let unit = EncodedUnit(place.offset, detail: detail.rawValue, size: Int(size))
      extents.append(.encoded(unit, skip: Int(skip)), length: count)
    }
  }

  private func check(_ address: UInt64, stored: UInt64, decoded: UInt64) throws(ReadError) {
    // Block numbers have 48 bits.
    guard address >> superblock.blockShift < 1 << 48 else { throw .corrupt("extent", at: address) }
    guard stored <= EROFS.Compression.longestStored, decoded <= EROFS.Compression.longestDecoded else {
      throw .unsupported("size of extent", at: decoded)
    }
  }

  private func appendStored(
    at address: UInt64, length: UInt64, of extent: EROFS.CompressedExtent, _ inode: EROFS.Inode,
    to extents: inout ExtentList
  ) throws(ReadError) {
    if extent.isInMetadata { return try mapMetadata(address, length: length, of: inode, into: &extents) }
    let place = try devices.place(address, length: length)
    extents.append(.mapped(source: place.source, offset: place.offset), length: length)
  }

  /// Appends what a run of the file of fragments consists of.
  private func appendFragment(
    at offset: UInt64, length: UInt64, of inode: EROFS.Inode, to extents: inout ExtentList
  ) throws(ReadError) {
    guard let packed else { throw .corrupt("fragment", at: inode.number) }
    let end = try offset.adding(length, of: "fragment")
    guard end <= packed.size else { throw .corrupt("fragment", at: inode.number) }
    try packed.map(offset..<end, into: &extents)
  }

  func decode(_ unit: EncodedUnit, into out: inout OutputRawSpan) throws(ReadError) {
    guard let detail = EROFS.UnitDetail(rawValue: unit.detail), detail.source < devices.sources.count,
      UInt64(detail.storedSize) <= EROFS.Compression.longestStored
    else { throw .io(.invalidArgument, "compressed cluster", at: unit.id) }
    let device = detail.isInMetadataBox ? try space(isInBox: true).device : devices.sources[detail.source]
    let stored = try device.bytes(detail.storedSize, at: unit.id)
    // Zeros in front of what is compressed are padding, within the first block.
    var start = 0
    if detail.algorithm != .lz4 || superblock.incompatible.contains(.zeroPadding) {
      let blockSize = superblock.blockSize
      let limit = min(stored.count, blockSize - Int(unit.id % UInt64(blockSize)))
      while start < limit, stored[start] == 0 { start += 1 }
      guard start < limit else { throw .corrupt("compressed cluster", at: unit.id) }
    }
    let input = try stored.rawSpan.slice(start, count: stored.count - start, of: "compressed cluster")
    try decode(input, detail, size: unit.size, into: &out)
  }

  private func decode(
    _ input: RawSpan, _ detail: EROFS.UnitDetail, size: Int, into out: inout OutputRawSpan
  ) throws(ReadError) {
    let subject: StaticString = "compressed cluster"
    let codec: Codec =
      switch detail.algorithm {
      case .lz4: .lz4
      case .lzma: .microLZMA(dictionary: superblock.compression.lzmaDictionary)
      case .deflate: .deflate
      case .zstd: .zstd
      }
    // Where nothing says how many of the stored bytes are LZ4's, junk may follow.
    let isLoose = detail.algorithm == .lz4 && !superblock.incompatible.contains(.zeroPadding)
    if detail.isPartial || isLoose {
      try codec.decodePrefix(input, count: size, of: subject, into: &out)
    } else {
      try codec.decode(input, count: size, of: subject, into: &out)
    }
  }
}
