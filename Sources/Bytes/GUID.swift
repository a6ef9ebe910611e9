/// A GUID as Microsoft's formats and GPT store it: three little-endian fields, then eight bytes (UEFI specification,
/// appendix A).
public struct GUID: Equatable, Sendable {
  public let bytes: [UInt8]

  public init(parsing span: RawSpan, at offset: Int) throws(ReadError) {
    bytes = try span.bytes(offset, count: 16, of: "GUID")
  }

  public var isZero: Bool { bytes.allSatisfy { $0 == 0 } }

  /// In lower case, as under /dev/disk/by-partuuid.
  public var text: String {
    let order = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15]
    return uuidText(order.map { bytes[$0] })
  }
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

/// `value` in lower-case hexadecimal, with zeros in front up to `digits`.
public func hexadecimal(_ value: UInt64, digits: Int) -> String {
  let text = String(value, radix: 16)
  return String(repeating: "0", count: max(0, digits - text.count)) + text
}
