internal import BlockDevices
internal import Bytes

extension VHDX {
  /// The log (section 2.3) as a ring of 4 KiB sectors.
  struct LogRing {
    static let sectorSize = 4096
    /// Bytes that are read at a time.
    private static let pieceSize = 64 << 10

    let device: any BlockDevice
    /// Bytes in the file: whole sectors, within the device.
    let place: Range<UInt64>

    var size: UInt64 { place.upperBound - place.lowerBound }

    /// Where in the file a place of the ring is.
    func offset(of place: UInt64) -> UInt64 { self.place.lowerBound + place % size }

    /// Calls `body` with the first `length` bytes of an entry, sector by sector: the index in the entry, and the bytes.
    func forEachSector(
      in length: UInt64, of entry: LogEntry, _ body: (Int, RawSpan) throws(ReadError) -> Void
    ) throws(ReadError) {
      var done: UInt64 = 0
      var index = 0
      while done < length {
        let start = (entry.start + done) % size
        let count = Int(min(length - done, size - start, UInt64(Self.pieceSize)))
        let piece = try device.bytes(count, at: place.lowerBound + start)
        for sector in 0..<(count / Self.sectorSize) {
          try body(index, try piece.rawSpan.slice(sector * Self.sectorSize, count: Self.sectorSize, of: "log"))
          index += 1
        }
        done += UInt64(count)
      }
    }
  }

  /// The header of a log entry (section 2.3.1.1).
  struct LogEntry {
    /// Bytes from the start of the log.
    let start: UInt64
    /// Bytes, whole sectors; an entry that reaches the end of the log goes on at its start.
    let length: UInt64
    let sequenceNumber: UInt64
    /// Where the oldest entry is whose writes may not have reached their places when this one was made.
    let tail: UInt64
    let descriptorCount: Int
    /// Bytes that the file had for certain when the entry was made.
    let flushedFileSize: UInt64
    /// Bytes that hold all structures of the file.
    let lastFileSize: UInt64
    private let checksum: UInt32

    static let headerSize = 64
    private static let signature: UInt32 = 0x6567_6F6C

    /// nil for what is no entry of the log with this GUID.
    /// - Parameter ring: the log that it begins in, at `start`.
    init?(parsing span: RawSpan, at start: UInt64, guid: GUID) throws(ReadError) {
      guard try span.le32(0) == Self.signature, try GUID(parsing: span, at: 32) == guid else { return nil }
      self.start = start
      checksum = try span.le32(4)
      length = UInt64(try span.le32(8))
      tail = UInt64(try span.le32(12))
      sequenceNumber = try span.le64(16)
      descriptorCount = try span.le32(24).converted(to: Int.self, of: "log entry")
      flushedFileSize = try span.le64(48)
      lastFileSize = try span.le64(56)
    }

    /// Sectors that hold the header and the descriptors; the data follow.
    var descriptorSectors: Int {
      let bytes = Self.headerSize + descriptorCount * LogDescriptor.size
      return (bytes + LogRing.sectorSize - 1) / LogRing.sectorSize
    }

    /// Whether the header can be that of an entry in this log.
    func fits(_ ring: LogRing) -> Bool {
      let sector = UInt64(LogRing.sectorSize)
      return length % sector == 0 && length > 0 && length <= ring.size && tail % sector == 0 && tail < ring.size
        && sequenceNumber > 0 && sequenceNumber < .max && UInt64(descriptorSectors) * sector <= length
    }

    /// Whether all of the entry was written, and as one: checksum, sequence numbers, as many data as it describes.
    func isWhole(in ring: LogRing) throws(ReadError) -> Bool {
      var sum = CRC32C()
      var agrees = true
      var dataCount = 0
      let descriptorSectors = self.descriptorSectors
      try ring.forEachSector(in: length, of: self) { (index, sector) throws(ReadError) in
        if index == 0 {
          sum.update(try sector.slice(0, count: 4))
          sum.update(zeros: 4)
          sum.update(try sector.slice(8, count: LogRing.sectorSize - 8))
        } else {
          sum.update(sector)
        }
        if index < descriptorSectors {
          try forEachDescriptor(in: sector, at: index) { (descriptor) throws(ReadError) in
            guard let descriptor else {
              agrees = false
              return
            }
            if case .data = descriptor { dataCount += 1 }
          }
        } else if index < descriptorSectors + dataCount {
          if try !isData(sector) { agrees = false }
        }
      }
      let sectors = length / UInt64(LogRing.sectorSize)
      return agrees && ~sum.value == checksum && UInt64(descriptorSectors + dataCount) <= sectors
    }

    /// Calls `body` with each descriptor that begins in the entry's sector `index`, nil for one that is none.
    func forEachDescriptor(
      in sector: RawSpan, at index: Int, _ body: (LogDescriptor?) throws(ReadError) -> Void
    ) throws(ReadError) {
      let perSector = LogRing.sectorSize / LogDescriptor.size
      // The header takes the room of two.
      let skipped = Self.headerSize / LogDescriptor.size
      for slot in (index == 0 ? skipped : 0)..<perSector where index * perSector + slot - skipped < descriptorCount {
        try body(try LogDescriptor(parsing: sector, at: slot * LogDescriptor.size, sequenceNumber: sequenceNumber))
      }
    }

    /// Whether a data sector (section 2.3.1.4) has the marks of this entry.
    private func isData(_ sector: RawSpan) throws(ReadError) -> Bool {
      let (mark, high, low) = (try sector.le32(0), try sector.le32(4), try sector.le32(4092))
      return mark == 0x6174_6164 && UInt64(high) << 32 | UInt64(low) == sequenceNumber
    }
  }

  /// What a log entry writes (sections 2.3.1.2 and 2.3.1.3).
  enum LogDescriptor {
    /// `count` zeros, whole sectors.
    case zeros(count: UInt64, offset: UInt64)
    /// A sector: the log has its bytes 8 to 4092 in a sector of its own, whose first and last bytes are marks.
    case data(leading: [UInt8], trailing: [UInt8], offset: UInt64)

    static let size = 32

    /// nil for what is none of this sequence number.
    init?(parsing span: RawSpan, at place: Int, sequenceNumber: UInt64) throws(ReadError) {
      let offset = try span.le64(place + 16)
      guard try span.le64(place + 24) == sequenceNumber, offset % UInt64(LogRing.sectorSize) == 0 else { return nil }
      switch try span.le32(place) {
      case 0x6F72_657A:
        let count = try span.le64(place + 8)
        guard count % UInt64(LogRing.sectorSize) == 0, !offset.addingReportingOverflow(count).overflow else {
          return nil
        }
        self = .zeros(count: count, offset: offset)
      case 0x6373_6564:
        guard !offset.addingReportingOverflow(UInt64(LogRing.sectorSize)).overflow else { return nil }
        self = .data(
          leading: try span.bytes(place + 8, count: 8), trailing: try span.bytes(place + 4, count: 4), offset: offset)
      default: return nil
      }
    }
  }
}
