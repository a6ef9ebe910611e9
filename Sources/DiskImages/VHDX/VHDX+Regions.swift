internal import BlockDevices
internal import Bytes

extension VHDX {
  /// What a region table (section 2.2.3) says: where the block allocation table and the metadata are, and which parts
  /// of the file can be no blocks.
  struct Regions {
    /// Bytes in the file.
    let blockTable: Range<UInt64>
    let metadata: Range<UInt64>
    /// Header section, log and all regions, ascending, without overlaps.
    private let taken: [Range<UInt64>]

    private static let size = 64 << 10
    /// Where the two copies are.
    private static let offsets: [UInt64] = [192 << 10, 256 << 10]
    private static let blockTableID = "2dc27766-f623-4200-9d64-115e9bfd4a08"
    private static let metadataID = "8b7ca206-4790-4b9a-b8fe-575f050f886e"

    /// - Parameters:
    ///   - device: the file, with its log replayed.
    ///   - notices: is told of a copy that is damaged.
    init(in device: any BlockDevice, log: Range<UInt64>, notices: inout [String]) throws(ImageError) {
      var tables: [[UInt8]] = []
      for offset in Self.offsets {
        if let table = try ImageError.wrapping({ () throws(ReadError) in try Self.table(in: device, at: offset) }) {
          tables.append(table)
        }
      }
      guard let table = tables.first else { throw .damaged("has two region tables that are both damaged") }
      if tables.count < Self.offsets.count {
        notices.append("one of its two region tables is damaged; the other is used")
      }
      try self.init(table, log: log)
    }

    /// nil where signature or checksum are wrong, or the file ends before.
    private static func table(in device: any BlockDevice, at offset: UInt64) throws(ReadError) -> [UInt8]? {
      guard device.contains(UInt64(size), at: offset) else { return nil }
      let bytes = try device.bytes(size, at: offset)
      let span = bytes.rawSpan
      guard try span.le32(0) == 0x6967_6572, try VHDX.checksum(of: span) == span.le32(4) else { return nil }
      return bytes
    }

    private init(_ table: [UInt8], log: Range<UInt64>) throws(ImageError) {
      let entries = try ImageError.wrapping { () throws(ReadError) in try Self.entries(of: table) }
      var taken = [0..<VHDX.headerSectionSize, log]
      var known: [String: Range<UInt64>] = [:]
      for entry in entries {
        let id = entry.id.text
        guard id == Self.blockTableID || id == Self.metadataID || !entry.isRequired else {
          throw .unsupported("needs what its region \(id) holds, and that is not known")
        }
        guard entry.range.lowerBound % VHDX.alignment == 0, entry.range.upperBound % VHDX.alignment == 0 else {
          throw .damaged("has a region (\(id)) that does not lie on whole mebibytes")
        }
        guard known.updateValue(entry.range, forKey: id) == nil else { throw .damaged("has the region \(id) twice") }
        taken.append(entry.range)
      }
      guard let blockTable = known[Self.blockTableID] else { throw .damaged("has no block allocation table") }
      guard let metadata = known[Self.metadataID] else { throw .damaged("has no metadata") }
      self.blockTable = blockTable
      self.metadata = metadata
      self.taken = taken.filter { !$0.isEmpty }.sorted { $0.lowerBound < $1.lowerBound }
      for (range, next) in zip(self.taken, self.taken.dropFirst()) where next.lowerBound < range.upperBound {
        throw .damaged("has regions that overlap (at \(next.lowerBound))")
      }
    }

    private struct Entry {
      let id: GUID
      let range: Range<UInt64>
      let isRequired: Bool
    }

    private static func entries(of table: [UInt8]) throws(ReadError) -> [Entry] {
      let span = table.rawSpan
      let count = try span.le32(8)
      guard count <= 2047 else { throw .corrupt("region table", at: UInt64(count)) }
      var entries: [Entry] = []
      for index in 0..<Int(count) {
        let place = 16 + 32 * index
        let start = try span.le64(place + 16)
        entries.append(
          Entry(
            id: try GUID(parsing: span, at: place),
            range: start..<(try start.adding(UInt64(span.le32(place + 24)), of: "region")),
            isRequired: try span.le32(place + 28) & 1 != 0))
      }
      return entries
    }

    /// Whether blocks may lie in all of `range`.
    func areFree(_ range: Range<UInt64>) -> Bool {
      // The first part that ends behind the start of the range is the only one that can reach into it first.
      let first = taken.indices.partitioningIndex { taken[$0].upperBound > range.lowerBound }
      return first == taken.count || taken[first].lowerBound >= range.upperBound
    }
  }
}
