internal import BlockDevices
internal import Bytes

extension VHDX {
  /// Bytes of tables and of sector bitmaps that are gone through to count what is stored.
  private static let countedTable: UInt64 = 2 << 20
  private static let countedBitmaps: UInt64 = 1 << 20

  /// Bytes of the disk that this file stores; nil where counting them would take long, or where the tables that tell it
  /// are damaged: reading tells of that, where it matters.
  var allocatedSize: UInt64? {
    guard shape.count * 8 <= Self.countedTable else { return nil }
    var bitmapsLeft = Self.countedBitmaps
    var total: UInt64 = 0
    var block: UInt64 = 0
    do throws(ReadError) {
      while block * shape.blockSize < size {
        let start = block * shape.blockSize
        let range = start..<min(start + shape.blockSize, size)
        switch BlockEntry(try table.le64(shape.entry(ofBlock: block))).state {
        case .fullyPresent: total += range.upperBound - range.lowerBound
        case .partiallyPresent:
          // A bit for each sector; of small blocks, the page is shared with their neighbours.
          let cost = max(shape.blockSize / metadata.sectorSize / 8, 512)
          guard bitmapsLeft >= cost else { return nil }
          bitmapsLeft -= cost
          try forEachRun(of: block, in: range) { (isStored, run) throws(ReadError) in
            if isStored { total += run.upperBound - run.lowerBound }
            return true
          }
        default: break
        }
        block += 1
      }
    } catch {
      return nil
    }
    return total
  }
}
