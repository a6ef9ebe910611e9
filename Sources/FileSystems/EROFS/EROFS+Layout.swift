internal import BlockDevices
internal import Bytes

/// Contents that are not compressed.
extension EROFS.Mapper {
  /// Contents in one run of blocks; with the last bytes behind the inode where the storage is `inline`.
  func mapFlat(_ inode: EROFS.Inode, _ range: Range<UInt64>, into extents: inout ExtentList) throws(ReadError) {
    guard let startBlock = inode.startBlock else {
      return extents.append(.hole, length: range.upperBound - range.lowerBound)
    }
    let blockSize = UInt64(superblock.blockSize)
    // Where the last block begins, which may be a whole one.
    let tail = inode.storage == .inline ? (inode.size - 1) / blockSize * blockSize : inode.size
    let blocksEnd = min(range.upperBound, tail)
    if range.lowerBound < blocksEnd {
      let address = try superblock.offset(ofBlock: startBlock).adding(range.lowerBound, of: "extent")
      let length = blocksEnd - range.lowerBound
      let place = try devices.place(address, length: length)
      extents.append(.mapped(source: place.source, offset: place.offset), length: length)
    }
    let start = max(range.lowerBound, tail)
    if start < range.upperBound, !extents.isFull {
      let offset = try checkedTailStart(of: inode, length: inode.size - tail)
      try mapMetadata(offset + (start - tail), length: range.upperBound - start, of: inode, into: &extents)
    }
  }

  /// Where the last bytes of contents stand: behind the attributes, and within one block.
  func checkedTailStart(of inode: EROFS.Inode, length: UInt64) throws(ReadError) -> UInt64 {
    let blockSize = UInt64(superblock.blockSize)
    guard inode.tailStart % blockSize + length <= blockSize else { throw .corrupt("inline data", at: inode.number) }
    return inode.tailStart
  }
}

/// Contents in chunks, of a block or more each, for each of which an index says where it lies.
extension EROFS {
  /// `struct erofs_inode_chunk_info`, format.
  enum ChunkFormat {
    /// log2 of the blocks of a chunk.
    static let sizeMask: UInt16 = 0x1F
    /// Indexes of 8 bytes with a device; else block numbers of 4 bytes.
    static let indexes: UInt16 = 0x20
    /// Indexes' block numbers have 48 bits.
    static let fortyEightBit: UInt16 = 0x40
    static let all: UInt16 = 0x7F
  }
}

extension EROFS.Mapper {
  /// Chunks that one call goes through at most: a run of holes is one extent, however long it is.
  private static let chunkLimit = 1 << 18

  func mapChunks(of inode: EROFS.Inode, _ range: Range<UInt64>, into extents: inout ExtentList) throws(ReadError) {
    let shift = superblock.blockShift + UInt64(inode.chunkFormat & EROFS.ChunkFormat.sizeMask)
    let hasIndexes = inode.chunkFormat & EROFS.ChunkFormat.indexes != 0
    let is48Bit = inode.chunkFormat & EROFS.ChunkFormat.fortyEightBit != 0
    let unit: UInt64 = hasIndexes ? 8 : 4
    let table = inode.tailStart.roundedUp(toMultipleOf: unit)
    var cursor = try cursor(for: inode)
    var position = range.lowerBound
    for _ in 0..<Self.chunkLimit {
      guard position < range.upperBound, !extents.isFull else { return }
      let chunk = position >> shift
      let at = try cursor.seek(
        Int(unit), at: try chunk.multiplied(by: unit, of: "chunk index").adding(table, of: "chunk index"))
      let entry = cursor.bytes.rawSpan
      var block: UInt64?
      var device: UInt16 = 0
      if hasIndexes {
        let number = UInt64(try entry.le32(at + 4)) | (is48Bit ? UInt64(try entry.le16(at)) << 32 : 0)
        block = number == (is48Bit ? (1 << 48) - 1 : (1 << 32) - 1) ? nil : number
        device = try entry.le16(at + 2)
      } else {
        let number = try entry.le32(at)
        block = number == .max ? nil : UInt64(number)
      }
      let skipped = position - chunk << shift
      let length = min(1 << shift - skipped, range.upperBound - position)
      if let block {
        let address = try superblock.offset(ofBlock: block).adding(skipped, of: "extent")
        let place = try devices.place(address, length: length, on: device)
        extents.append(.mapped(source: place.source, offset: place.offset), length: length)
      } else {
        extents.append(.hole, length: length)
      }
      position += length
    }
  }
}
