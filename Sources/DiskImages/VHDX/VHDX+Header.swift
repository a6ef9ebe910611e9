internal import BlockDevices
internal import Bytes

extension VHDX {
  /// The first mebibyte of every file: identifier, headers and region tables (section 2.2). Nothing else may lie there.
  static let headerSectionSize: UInt64 = 1 << 20

  /// What all structures and blocks are aligned to.
  static let alignment: UInt64 = 1 << 20

  static let signature = "vhdxfile"

  /// The file type identifier (section 2.2.1), of which only the name of the program that made the file is of interest.
  static func creator(in file: ImageFile) throws(ImageError) -> String? {
    let bytes = try file.bytes(520, at: 0)
    return try ImageError.wrapping { () throws(ReadError) in
      guard try bytes.rawSpan.bytes(0, count: 8) == Array(signature.utf8) else {
        throw .corrupt("signature of VHDX", at: 0)
      }
      let text = try bytes.rawSpan.utf16(8, count: 512, of: "name of the creator")
      return text.isEmpty ? nil : text
    }
  }

  /// A header (section 2.2.2): says where the log is, and whether it has to be replayed.
  struct Header: Equatable {
    let sequenceNumber: UInt64
    /// Identifies the contents; a differencing disk names its parent by it.
    let dataWriteGUID: GUID
    /// The log entries that count; zero where none does.
    let logGUID: GUID
    let logVersion: UInt16
    let version: UInt16
    /// Bytes in the file.
    let log: Range<UInt64>

    private static let size = 4096
    /// Where the two are.
    private static let offsets: [UInt64] = [64 << 10, 128 << 10]

    /// The current one of the two: the one with the greater sequence number of those that are whole.
    /// - Parameter notices: is told of a header that is damaged.
    static func current(in file: ImageFile, notices: inout [String]) throws(ImageError) -> Header {
      var whole: [Header] = []
      for offset in offsets {
        if let header = try ImageError.wrapping({ () throws(ReadError) in try Header(in: file.device, at: offset) }) {
          whole.append(header)
        }
      }
      guard let first = whole.first, let last = whole.last else {
        throw .damaged("has two headers that are both damaged")
      }
      if whole.count < offsets.count { notices.append("one of its two headers is damaged; the other is used") }
      guard whole.count == 1 || first == last || first.sequenceNumber != last.sequenceNumber else {
        throw .damaged("has two headers that contradict each other")
      }
      return try (first.sequenceNumber >= last.sequenceNumber ? first : last).validated()
    }

    /// nil where signature or checksum are wrong, or the file ends before.
    private init?(in device: any BlockDevice, at offset: UInt64) throws(ReadError) {
      guard device.contains(UInt64(Self.size), at: offset) else { return nil }
      let bytes = try device.bytes(Self.size, at: offset)
      let span = bytes.rawSpan
      guard try span.le32(0) == 0x6461_6568, try VHDX.checksum(of: span) == span.le32(4) else { return nil }
      sequenceNumber = try span.le64(8)
      dataWriteGUID = try GUID(parsing: span, at: 32)
      logGUID = try GUID(parsing: span, at: 48)
      logVersion = try span.le16(64)
      version = try span.le16(66)
      let start = try span.le64(72)
      log = start..<(try start.adding(UInt64(span.le32(68)), of: "log of VHDX"))
    }

    private func validated() throws(ImageError) -> Header {
      guard version == 1 else { throw .unsupported("is VHDX of version \(version); 1 is what there is") }
      guard logVersion == 0 || logGUID.isZero else {
        throw .unsupported("has a log of version \(logVersion) that has to be replayed; 0 is what there is")
      }
      guard log.lowerBound % VHDX.alignment == 0, log.upperBound % VHDX.alignment == 0,
        log.isEmpty || log.lowerBound >= VHDX.headerSectionSize
      else { throw .damaged("has a log that does not lie on whole mebibytes behind the headers") }
      return self
    }
  }

  /// The CRC-32C of a structure whose bytes 4 to 8, where the checksum itself is, count as zeros.
  static func checksum(of span: RawSpan) throws(ReadError) -> UInt32 {
    var checksum = CRC32C()
    checksum.update(try span.slice(0, count: 4))
    checksum.update(zeros: 4)
    checksum.update(try span.slice(8, count: max(span.byteCount - 8, 0)))
    return ~checksum.value
  }
}
