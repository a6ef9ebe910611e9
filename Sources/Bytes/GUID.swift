/// A UUID, or GUID: 16 bytes (RFC 9562).
public struct GUID: Equatable, Sendable {
  /// In the order in which they are written down.
  private let bytes: [UInt8]

  /// One whose first three fields are little-endian integers, as GPT, Microsoft's formats and VirtualBox store them
  /// (UEFI specification, appendix A).
  /// - Throws: `.corrupt` where it would not lie wholly within the span.
  public init(parsing span: RawSpan, at offset: Int) throws(ReadError) {
    let stored = try span.bytes(offset, count: 16, of: "GUID")
    bytes =
      Array(stored[0..<4].reversed()) + Array(stored[4..<6].reversed()) + Array(stored[6..<8].reversed())
      + Array(stored[8...])
  }

  /// One whose bytes stand in the order in which it is written.
  /// - Throws: `.corrupt` where it would not lie wholly within the span.
  public init(bigEndian span: RawSpan, at offset: Int) throws(ReadError) {
    bytes = try span.bytes(offset, count: 16, of: "UUID")
  }

  private init(bytes: [UInt8]) { self.bytes = bytes }

  public static let zero = GUID(bytes: Array(repeating: 0, count: 16))

  /// Whether all of it is zero, which stands for none.
  public var isZero: Bool { bytes.allSatisfy { $0 == 0 } }

  /// In lower case, as under /dev/disk/by-partuuid: `a6bd7048-38f9-4f4c-8bc4-93fa349e2a3f`.
  public var text: String { uuidText(bytes) }
}

/// The 16 bytes of a UUID, in the order in which they are written, as text in lower case.
public func uuidText(_ bytes: [UInt8]) -> String {
  var text = ""
  for (index, byte) in bytes.enumerated() {
    if index == 4 || index == 6 || index == 8 || index == 10 { text.append("-") }
    text += hexadecimal(UInt64(byte), digits: 2)
  }
  return text
}
