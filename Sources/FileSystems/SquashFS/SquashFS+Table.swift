internal import BlockDevices
internal import Bytes

/// Tables of records of one size: metadata blocks full of records, and an index of the blocks' positions, which is not
/// compressed.
extension SquashFS {
  struct Table: Sendable {
    /// Byte position of the index on the device.
    let index: UInt64
    let count: UInt64
    /// Bytes of a record; a power of two.
    let recordSize: Int
    /// Where the blocks of records must lie: in front of the index.
    let region: Range<UInt64>
    let subject: StaticString

    private var recordsPerBlock: UInt64 { UInt64(SquashFS.metadataBlockSize / recordSize) }

    var blockCount: UInt64 { count / recordsPerBlock + (count % recordsPerBlock == 0 ? 0 : 1) }
  }
}

extension SquashFS.MetadataBlocks {
  /// Gives `body` the record of a number.
  func withRecord<R>(
    _ number: UInt64, of table: SquashFS.Table, _ body: (RawSpan) throws(ReadError) -> R
  ) throws(ReadError) -> R {
    guard number < table.count else { throw .corrupt(table.subject, at: number) }
    let offset = number.multipliedReportingOverflow(by: UInt64(table.recordSize)).partialValue
    let decoded = try block(offset / UInt64(SquashFS.metadataBlockSize), of: table).decoded
    let start = Int(offset % UInt64(SquashFS.metadataBlockSize))
    return try body(try decoded.bytes.slice(start, count: table.recordSize, of: table.subject))
  }

  /// A block of records; `number` is below `table.blockCount`.
  func block(_ number: UInt64, of table: SquashFS.Table) throws(ReadError) -> SquashFS.MetadataBlock {
    // The index is read by pages, as its entries are asked for in turn.
    let entry = try table.index.adding(number * 8, of: table.subject)
    let page = entry / Self.indexPageSize * Self.indexPageSize
    let count = min(Self.indexPageSize, max(device.size, page) - page)
    guard entry - page + 8 <= count else {
      // An entry across the boundary of two pages, or of the device's end.
      let bytes = try device.bytes(8, at: entry)
      let position = try bytes.rawSpan.le64(0)
      return try self.block(at: position, in: table.region, of: table.subject)
    }
    let bytes = try indexes.block(Int(count), at: page)
    let position = try bytes.rawSpan.le64(Int(entry - page), of: table.subject)
    return try self.block(at: position, in: table.region, of: table.subject)
  }

  private static let indexPageSize: UInt64 = 4096
}
