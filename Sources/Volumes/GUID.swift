internal import Bytes

/// A GUID as GPT stores it: three little-endian fields, then eight bytes (UEFI specification, appendix A).
struct GUID: Equatable {
  let bytes: [UInt8]

  init(parsing span: RawSpan, at offset: Int) throws(ReadError) {
    bytes = try span.bytes(offset, count: 16, of: "GUID")
  }

  var isZero: Bool { bytes.allSatisfy { $0 == 0 } }

  /// In lower case, as under /dev/disk/by-partuuid.
  var text: String {
    let order = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15]
    var text = ""
    for (index, place) in order.enumerated() {
      if index == 4 || index == 6 || index == 8 || index == 10 { text.append("-") }
      text += hexadecimal(UInt64(bytes[place]), digits: 2)
    }
    return text
  }
}

/// `value` in lower-case hexadecimal, with zeros in front up to `digits`.
func hexadecimal(_ value: UInt64, digits: Int) -> String {
  let text = String(value, radix: 16)
  return String(repeating: "0", count: max(0, digits - text.count)) + text
}
