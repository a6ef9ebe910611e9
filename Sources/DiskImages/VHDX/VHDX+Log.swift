internal import BlockDevices
internal import Bytes

extension VHDX {
  /// The log of a file that was not closed: the entries whose writes may not have reached their places.
  ///
  /// Where no entry of the current log is whole, nothing is replayed, and that is said. The specification calls such a
  /// file corrupt, since a log begins with an entry; but QEMU writes the log's GUID to the headers first and its first
  /// entry then, sector by sector, and touches nothing else before the entry is on the disk. A process that was killed
  /// between leaves just this, and qemu-img opens it, too.
  struct Log {
    /// Larger ones are not replayed. Hyper-V and QEMU make logs of 1 MiB unless told otherwise.
    private static let sizeLimit: UInt64 = 256 << 20
    /// Descriptors that are replayed at most: each writes a sector, or zeros.
    private static let descriptorLimit = 1 << 16

    private let ring: LogRing
    /// From the tail to the head, as they are to be replayed; empty where nothing is.
    let entries: [LogEntry]

    init(in device: any BlockDevice, header: Header) throws(ImageError) {
      let size = header.log.upperBound - header.log.lowerBound
      guard size > 0 else { throw .damaged("has to have its log replayed, but has no log") }
      guard size <= Self.sizeLimit else {
        throw .unsupported("has to have its log of \(size >> 20) MiB replayed; 256 MiB are the most that is")
      }
      guard device.contains(size, at: header.log.lowerBound) else {
        throw .damaged("is cut short: it ends before the end of its log")
      }
      ring = LogRing(device: device, place: header.log)
      let whole = try Self.wholeEntries(in: ring, guid: header.logGUID)
      entries = try Self.activeSequence(of: whole, in: ring)
      if let head = entries.last, head.flushedFileSize > device.size {
        throw .damaged(
          "is cut short: it has \(device.size) bytes, but had \(head.flushedFileSize) when its log was written")
      }
    }

    /// All entries of the current log that were written as a whole, by where they begin.
    private static func wholeEntries(in ring: LogRing, guid: GUID) throws(ImageError) -> [UInt64: LogEntry] {
      var found: [LogEntry] = []
      try ImageError.wrapping { () throws(ReadError) in
        let pieceSize = VHDX.alignment
        for start in stride(from: 0, to: ring.size, by: Int(pieceSize)) {
          let piece = try ring.device.bytes(Int(pieceSize), at: ring.offset(of: start))
          for place in stride(from: 0, to: Int(pieceSize), by: LogRing.sectorSize) {
            let sector = try piece.rawSpan.slice(place, count: LogRing.sectorSize, of: "log")
            if let entry = try LogEntry(parsing: sector, at: start + UInt64(place), guid: guid), entry.fits(ring) {
              found.append(entry)
            }
          }
        }
      }
      // Entries do not overlap, but for what is left of torn ones.
      var workLeft = 4 * ring.size
      var whole: [UInt64: LogEntry] = [:]
      for entry in found {
        guard entry.length <= workLeft else { throw .damaged("has a log whose entries overlap") }
        workLeft -= entry.length
        if try ImageError.wrapping({ () throws(ReadError) in try entry.isWhole(in: ring) }) {
          whole[entry.start] = entry
        }
      }
      return whole
    }

    /// The newest sequence that is complete (section 2.3.3): entries behind one another, each with the sequence number
    /// after the one before, whose last one has its tail among them. From that tail on.
    ///
    /// The steps of the specification try each start in turn. The same is found by following entries from each tail:
    /// a sequence is complete just where the entries from the tail of its last one lead to that last one.
    private static func activeSequence(
      of entries: [UInt64: LogEntry], in ring: LogRing
    ) throws(ImageError) -> [LogEntry] {
      func successor(of entry: LogEntry) -> LogEntry? {
        guard let next = entries[(entry.start + entry.length) % ring.size],
          next.sequenceNumber == entry.sequenceNumber + 1
        else { return nil }
        return next
      }
      let newestFirst = entries.values.sorted { ($0.sequenceNumber, $0.start) > ($1.sequenceNumber, $1.start) }
      // For each entry the last one of its sequence, found from that of its successor, which comes before it here.
      var heads: [UInt64: UInt64] = [:]
      for entry in newestFirst {
        heads[entry.start] = successor(of: entry).flatMap { heads[$0.start] } ?? entry.start
      }
      for head in newestFirst where heads[head.start] == head.start && heads[head.tail] == head.start {
        var sequence: [LogEntry] = []
        var entry = entries[head.tail]
        while let current = entry {
          sequence.append(current)
          entry = successor(of: current)
        }
        return sequence
      }
      guard entries.isEmpty else { throw .damaged("has to have its log replayed, but no sequence in it is complete") }
      return []
    }

    /// Writes that the log holds.
    func writes() throws(ImageError) -> PendingWrites {
      var count = 0
      for entry in entries { count += entry.descriptorCount }
      guard count <= Self.descriptorLimit else {
        throw .unsupported("has a log of \(count) writes; \(Self.descriptorLimit) are the most that are replayed")
      }
      return try ImageError.wrapping { () throws(ReadError) in
        // A sector takes three: its first bytes, those that stay in the log, and its last ones.
        var writes = PendingWrites(limit: 3 * Self.descriptorLimit)
        for entry in entries {
          let descriptors = UInt64(entry.descriptorSectors * LogRing.sectorSize)
          var data = descriptors
          try ring.forEachSector(in: descriptors, of: entry) { (index, sector) throws(ReadError) in
            try entry.forEachDescriptor(in: sector, at: index) { (descriptor) throws(ReadError) in
              switch descriptor {
              case .zeros(let count, let offset)?:
                try writes.zero(count, at: offset)
              case .data(let leading, let trailing, let offset)?:
                try writes.write(leading, at: offset)
                try writes.copy(4084, at: offset + 8, from: ring.offset(of: entry.start + data) + 8)
                try writes.write(trailing, at: offset + 4092)
                data += UInt64(LogRing.sectorSize)
              case nil: throw .corrupt("log entry", at: entry.start)
              }
            }
          }
        }
        return writes
      }
    }
  }
}
