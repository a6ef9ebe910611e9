internal import Bytes

extension QCOW2 {
  /// What the header's extensions say ("Header extensions" in the specification): each is a type and a length of 32 bits
  /// and its data, padded to 8 bytes; type 0 is the last. Of types that are not known, none has to be.
  struct Extensions: Sendable {
    private(set) var backingFormat: String?
    private(set) var dataFile: String?
    /// The names of incompatible features, by their bits.
    private(set) var incompatibleNames: [Int: String] = [:]

    private static let backingFormatType: UInt32 = 0xE279_2ACA
    private static let featureNamesType: UInt32 = 0x6803_F857
    private static let dataFileType: UInt32 = 0x4441_5441

    /// - Parameter head: the image's first cluster, or what there is of it.
    init(parsing head: [UInt8], _ header: Header) throws(ImageError) {
      do throws(ReadError) {
        try parse(head.rawSpan, header)
      } catch {
        throw ImageError(.unreadable(error))
      }
    }

    private mutating func parse(_ span: RawSpan, _ header: Header) throws(ReadError) {
      let end = header.backingOffset > 0 ? min(Int(clamping: header.backingOffset), span.byteCount) : span.byteCount
      var offset = Int(header.length)
      // What is shorter than an extension's head is no extension.
      while offset <= end - 8 {
        let type = try span.be32(offset, of: "header extension")
        let count = Int(try span.be32(offset + 4, of: "header extension"))
        offset += 8
        guard type != 0 else { return }
        guard count <= end - offset else { throw .corrupt("header extension", at: UInt64(offset)) }
        try take(type, try span.slice(offset, count: count, of: "header extension"))
        offset += (count + 7) & ~7
      }
    }

    private mutating func take(_ type: UInt32, _ data: RawSpan) throws(ReadError) {
      switch type {
      case Self.backingFormatType: backingFormat = String(terminated: data.array)
      case Self.dataFileType: dataFile = String(terminated: data.array)
      case Self.featureNamesType:
        // 48 bytes each: the kind of feature, its bit, its name. Kind 0 is "incompatible".
        for entry in stride(from: 0, through: data.byteCount - 48, by: 48) where data[entry] == 0 {
          let name = try data.bytes(entry + 2, count: 46, of: "feature name table")
          incompatibleNames[Int(data[entry + 1])] = String(terminated: name)
        }
      default: break
      }
    }
  }
}
