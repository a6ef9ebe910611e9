internal import BlockDevices
internal import Bytes

extension VHD {
  /// The block allocation table of a dynamic or differencing image, and the blocks it leads to.
  final class BlockTable: Sendable {
    /// Of a block that is not there.
    private static let absent: UInt32 = 0xFFFF_FFFF

    private let table: EntryTable
    private let tableOffset: UInt64
    private let bitmaps: BlockCache
    private let blockSize: UInt64
    private let bitmapSize: UInt64
    private let diskSize: UInt64
    /// Where blocks must end at the latest.
    private let dataEnd: UInt64
    /// Parts of the file in which no block can lie.
    private let reserved: [Range<UInt64>]

    /// - Parameter offset: of the header.
    init(
      _ header: DynamicHeader, at offset: UInt64, in file: ImageFile, diskSize: UInt64, dataEnd: UInt64
    ) throws(ImageError) {
      let count = diskSize / header.blockSize + (diskSize % header.blockSize == 0 ? 0 : 1)
      guard count <= UInt64(header.tableCount) else {
        throw .damaged("has a table of \(header.tableCount) blocks, too few for a disk of \(diskSize) bytes")
      }
      // Bounds the table by the file, so that what follows does not overflow.
      table = try file.table(at: header.tableOffset, count: count, entrySize: 4, pages: file.tableCache())
      tableOffset = header.tableOffset
      blockSize = header.blockSize
      bitmapSize = header.bitmapSize
      bitmaps = BlockCache(
        of: file.device, blockSize: Int(min(header.bitmapSize, UInt64(EntryTable.pageSize))),
        budget: file.opening.cacheBudget)
      self.diskSize = diskSize
      self.dataEnd = dataEnd
      reserved = [
        0..<UInt64(Footer.size), offset..<(offset + UInt64(DynamicHeader.size)),
        tableOffset..<(tableOffset + count * 4),
      ]
    }

    /// Blocks that are there; nil where counting them would take long.
    func allocatedCount(in file: ImageFile) throws(ImageError) -> UInt64? {
      try file.count(ofTableAt: tableOffset, entries: table.count) { (span, place) throws(ReadError) in
        try span.be32(place) != Self.absent
      }
    }

    /// - Parameter parent: its disk is source 1; nil where there is none.
    func map(_ range: Range<UInt64>, parent: DiskImage?, into extents: inout ExtentList) throws(ReadError) {
      var position = range.lowerBound
      while position < range.upperBound && !extents.isFull {
        let index = position / blockSize
        // The last block can end beyond what UInt64 holds only where the range does not.
        let end = min(position + min(blockSize - position % blockSize, range.upperBound - position), range.upperBound)
        let entry = try table.be32(index)
        if entry == Self.absent {
          extents.append(absent: position..<end, parent: parent, source: 1)
          position = end
        } else {
          position = try mapSectors(
            position..<end, ofBlockAt: UInt64(entry) * 512, parent: parent, into: &extents)
        }
      }
    }

    /// Maps a range within one block by the block's bitmap, until the list is full.
    /// - Returns: how far it came.
    private func mapSectors(
      _ range: Range<UInt64>, ofBlockAt start: UInt64, parent: DiskImage?, into extents: inout ExtentList
    ) throws(ReadError) -> UInt64 {
      // No overflow: a block starts below 2⁴¹ and has at most 2²⁸ bytes.
      let blockStart = range.lowerBound - range.lowerBound % blockSize
      let data = start + bitmapSize
      let block = start..<(data + min(blockSize, diskSize - blockStart))
      guard !reserved.contains(where: { $0.overlaps(block) }) else { throw .corrupt("block of the disk", at: start) }
      guard data <= dataEnd else { throw .truncated("block of the disk", at: start) }
      var position = range.lowerBound
      while position < range.upperBound && !extents.isFull {
        // Sectors, and bytes of the bitmap, from the block's start.
        let sector = (position - blockStart) / 512
        let pieceStart = sector / 8 / UInt64(EntryTable.pageSize) * UInt64(EntryTable.pageSize)
        let pieceSize = Int(min(UInt64(EntryTable.pageSize), bitmapSize - pieceStart))
        let bitmap = try bitmaps.block(pieceSize, at: start + pieceStart)
        let span = bitmap.rawSpan
        let lastSector = (range.upperBound - blockStart + 511) / 512 - pieceStart * 8
        let end = min(Int(lastSector), pieceSize * 8)
        var bit = Int(sector - pieceStart * 8)
        while bit < end && !extents.isFull {
          let run = try Bitmap.run(in: span, from: bit, to: end)
          let runEnd = min(blockStart + (pieceStart * 8 + UInt64(run.end)) * 512, range.upperBound)
          if run.isSet {
            let offset = data + (position - blockStart)
            guard data + (runEnd - blockStart) <= dataEnd else { throw .truncated("block of the disk", at: offset) }
            extents.append(.mapped(source: 0, offset: offset), length: runEnd - position)
          } else {
            extents.append(absent: position..<runEnd, parent: parent, source: 1, orphan: .unwritten)
          }
          bit = run.end
          position = runEnd
        }
      }
      return position
    }
  }
}
