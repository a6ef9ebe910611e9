internal import Bytes

/// A UUID that an image has, or knows another by.
struct UniqueID: Equatable, Sendable {
  /// The 16 bytes in the order in which they are written down.
  private let bytes: [UInt8]

  /// One whose bytes stand in the order in which it is written (VHD).
  init(bigEndian span: RawSpan, at offset: Int) throws(ReadError) {
    bytes = try span.bytes(offset, count: 16, of: "UUID")
  }

  /// One whose first three fields are little-endian integers, as Microsoft and VirtualBox store them.
  init(littleEndian span: RawSpan, at offset: Int) throws(ReadError) {
    let stored = try span.bytes(offset, count: 16, of: "UUID")
    bytes =
      Array(stored[0..<4].reversed()) + Array(stored[4..<6].reversed()) + Array(stored[6..<8].reversed())
      + Array(stored[8...])
  }

  /// All of it zero.
  static let none = UniqueID(bytes: Array(repeating: 0, count: 16))

  private init(bytes: [UInt8]) { self.bytes = bytes }

  /// Whether all of it is zero, which stands for none.
  var isNil: Bool { bytes.allSatisfy { $0 == 0 } }

  /// In lower case: `a6bd7048-38f9-4f4c-8bc4-93fa349e2a3f`.
  var text: String { uuidText(bytes) }
}
