internal import BlockDevices
internal import Bytes

extension VHDX {
  /// Bits of a sector bitmap (section 2.4): bit 0 of byte 0 tells of the first sector.
  struct SectorBits {
    let bytes: [UInt8]

    /// Whether the sector `first` is stored, and how many from it on, up to `limit`, are so too.
    func run(from first: Int, to limit: Int) throws(ReadError) -> (isStored: Bool, count: Int) {
      guard first >= 0, first < limit, limit <= bytes.count * 8 else { throw .corrupt("sector bitmap") }
      let isStored = bytes[first >> 3] >> UInt8(first & 7) & 1 == 1
      let same: UInt8 = isStored ? 0xFF : 0
      var end = first + 1
      while end < limit {
        if end & 7 == 0, limit - end >= 8, bytes[end >> 3] == same {
          end += 8
        } else if (bytes[end >> 3] >> UInt8(end & 7) & 1 == 1) == isStored {
          end += 1
        } else {
          break
        }
      }
      return (isStored, end - first)
    }
  }

  /// Appends a part of a block that is stored in some of its sectors only.
  /// - Parameter range: of the disk.
  func appendSectors(
    of block: UInt64, _ entry: BlockEntry, _ range: Range<UInt64>, _ extents: inout ExtentList
  ) throws(ReadError) {
    let start = block * shape.blockSize
    let data = try place(of: entry, index: shape.entry(ofBlock: block), size: min(shape.blockSize, size - start))
    try forEachRun(of: block, in: range) { (isStored, run) throws(ReadError) in
      if isStored {
        extents.append(
          .mapped(source: 0, offset: data + (run.lowerBound - start)), length: run.upperBound - run.lowerBound)
      } else {
        extents.append(absent: run, parent: parent, source: 1)
      }
      return !extents.isFull
    }
  }

  /// Calls `body` with each run of sectors of a partially present block that are all stored, or all not, until it
  /// answers false.
  /// - Parameter range: of the disk, within the block.
  func forEachRun(
    of block: UInt64, in range: Range<UInt64>, _ body: (Bool, Range<UInt64>) throws(ReadError) -> Bool
  ) throws(ReadError) {
    let index = shape.bitmapEntry(ofBlock: block)
    guard metadata.hasParent else {
      throw .corrupt("entry of the block allocation table", at: shape.entry(ofBlock: block))
    }
    let entry = BlockEntry(try table.le64(index))
    guard entry.state == .fullyPresent else { throw .corrupt("entry of the block allocation table", at: index) }
    let bitmap = try place(of: entry, index: index, size: BlockTableShape.bitmapSize)

    let sectorSize = metadata.sectorSize
    let bitsPerPage = UInt64(EntryTable.pageSize) * 8
    // All sectors are counted from the start of the chunk, which the block does not cross.
    let chunk = (block - block % shape.chunkRatio) * shape.blockSize
    let lastSector = (range.upperBound - chunk + sectorSize - 1) / sectorSize
    var position = range.lowerBound
    while position < range.upperBound {
      let page = (position - chunk) / sectorSize / bitsPerPage
      let bits = SectorBits(
        bytes: try pages.block(EntryTable.pageSize, at: bitmap + page * UInt64(EntryTable.pageSize)))
      let pageEnd = min((page + 1) * bitsPerPage, lastSector)
      while position < range.upperBound, (position - chunk) / sectorSize < pageEnd {
        let sector = (position - chunk) / sectorSize
        let run = try bits.run(from: Int(sector - page * bitsPerPage), to: Int(pageEnd - page * bitsPerPage))
        let end = min(chunk + (sector + UInt64(run.count)) * sectorSize, range.upperBound)
        guard try body(run.isStored, position..<end) else { return }
        position = end
      }
    }
  }
}
