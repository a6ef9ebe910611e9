internal import Bytes

/// Tables of extents, in place of indexes: `struct z_erofs_extent`, of which a table keeps the first 4, 8, 16 or 32
/// bytes, aligned to as many.
///
///     stored length and flags:4 | address:8 | offset in the file:8 | …
///
/// Records of 4 and 8 bytes are for extents of one size, a logical cluster. Those of 4 bytes follow an address, from
/// which on the extents lie one behind the other.
extension EROFS {
  struct ExtentTable {
    fileprivate static let lengthMask: UInt32 = 1 << 21 - 1
    fileprivate static let partialFlag: UInt32 = 1 << 27
    /// Records that are added up at most, to find where an extent lies.
    private static let walkLimit: UInt64 = 1 << 22

    let inode: Inode
    let header: CompressionHeader
    let count: UInt64
    var cursor: MetadataCursor
    /// Where adding up has come to: a record's number, and where its extent lies.
    private var walked: (number: UInt64, address: UInt64)?

    init(inode: Inode, header: CompressionHeader, count: UInt64, cursor: MetadataCursor) {
      self.inode = inode
      self.header = header
      self.count = count
      self.cursor = cursor
    }

    private var recordSize: UInt64 { 4 << UInt64(header.advice.rawValue >> 1 & 3) }

    struct Record {
      let start: UInt64
      let end: UInt64
      /// Stored bytes; 0 for a hole.
      let length: UInt64
      let address: UInt64
      /// One more than the algorithm; 0 for none.
      let format: UInt8
      let isPartial: Bool
      /// Of an extent in the file of fragments: the offset there.
      let fragmentOffset: UInt64
      let isLast: Bool
    }

    /// The extent that holds a byte of the file.
    mutating func record(at position: UInt64) throws(ReadError) -> Record {
      recordSize <= 8 ? try recordOfEqualSize(at: position) : try recordBySearch(at: position)
    }

    private var table: UInt64 { header.end.roundedUp(toMultipleOf: recordSize) }

    private mutating func recordOfEqualSize(at position: UInt64) throws(ReadError) -> Record {
      let subject: StaticString = "table of extents"
      let number = position >> header.clusterShift
      let length: UInt32
      let address: UInt64
      let addressHigh: UInt64
      if recordSize == 4 {
        address = try self.address(ofRecord: number)
        length = try lengthWord(ofRecord: number)
        addressHigh = 0
      } else {
        let at = try cursor.seek(8, at: try number.multiplied(by: 8, of: subject).adding(table, of: subject))
        let span = cursor.bytes.rawSpan
        length = try span.le32(at)
        address = UInt64(try span.le32(at + 4))
        addressHigh = address
      }
      let start = number << header.clusterShift
      let end = min(inode.size, start + 1 << header.clusterShift)
      return Record(length, address, start: start, end: end, isLast: end == inode.size, fragmentHigh: addressHigh)
    }

    /// Of records of 4 bytes, which say lengths only.
    private mutating func address(ofRecord number: UInt64) throws(ReadError) -> UInt64 {
      let subject: StaticString = "table of extents"
      guard number < Self.walkLimit else { throw .unsupported(subject, at: inode.number) }
      var place: (number: UInt64, address: UInt64)
      if let walked, walked.number <= number { place = walked } else { place = (0, try word64(at: table)) }
      while place.number < number {
        let length = try lengthWord(ofRecord: place.number) & Self.lengthMask
        place = (place.number + 1, try place.address.adding(UInt64(length), of: subject))
      }
      walked = place
      return place.address
    }

    private mutating func lengthWord(ofRecord number: UInt64) throws(ReadError) -> UInt32 {
      let at = try cursor.seek(4, at: try table.adding(8 + number * 4, of: "table of extents"))
      return try cursor.bytes.rawSpan.le32(at)
    }

    private mutating func recordBySearch(at position: UInt64) throws(ReadError) -> Record {
      var low: UInt64 = 0
      var high = count
      var end = inode.size
      var found: (length: UInt32, address: UInt64, start: UInt64)?
      while low < high {
        let middle = low + (high - low) / 2
        let entry = try self.entry(middle)
        if entry.start > position {
          guard entry.start <= end else { throw .corrupt("table of extents", at: inode.number) }
          end = entry.start
          high = middle
        } else {
          found = entry
          low = middle + 1
        }
      }
      // Before the first extent there is nothing.
      guard let found else { return Record(0, 0, start: position, end: end, isLast: false, fragmentHigh: 0) }
      return Record(
        found.length, found.address, start: found.start, end: end, isLast: low >= count, fragmentHigh: found.address)
    }

    private mutating func entry(_ number: UInt64) throws(ReadError) -> (length: UInt32, address: UInt64, start: UInt64)
    {
      let subject: StaticString = "table of extents"
      let offset = try number.multiplied(by: recordSize, of: subject).adding(table, of: subject)
      let at = try cursor.seek(Int(recordSize), at: offset)
      let span = cursor.bytes.rawSpan
      var start = UInt64(try span.le32(at + 12))
      if recordSize > 16 { start |= UInt64(try span.le32(at + 16)) << 32 }
      return (try span.le32(at), try span.le64(at + 4), start)
    }

    private mutating func word64(at offset: UInt64) throws(ReadError) -> UInt64 {
      let at = try cursor.seek(8, at: offset)
      return try cursor.bytes.rawSpan.le64(at)
    }
  }
}

extension EROFS.ExtentTable.Record {
  fileprivate init(
    _ word: UInt32, _ address: UInt64, start: UInt64, end: UInt64, isLast: Bool, fragmentHigh: UInt64
  ) {
    self.start = start
    self.end = end
    self.isLast = isLast
    self.address = address
    length = UInt64(word & EROFS.ExtentTable.lengthMask)
    format = UInt8(word >> 28)
    isPartial = word & EROFS.ExtentTable.partialFlag != 0
    fragmentOffset = UInt64(word) | (fragmentHigh & 0xFFFF_FFFF) << 32
  }
}
