/// Names of links under by-label and the like, encoded as udev encodes those under /dev/disk: what is neither a
/// letter, a digit, one of `#+-.:=@_`, nor part of a well-formed UTF-8 sequence becomes `\xNN`.
enum DeviceLinkName {
  static func encode(_ name: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    var index = 0
    while index < name.count {
      let length = sequenceLength(name[index...])
      if length > 1 {
        result += name[index..<index + length]
        index += length
        continue
      }
      let byte = name[index]
      if isPlain(byte) {
        result.append(byte)
      } else {
        result += [UInt8(ascii: "\\"), UInt8(ascii: "x"), hexadecimal[Int(byte >> 4)], hexadecimal[Int(byte & 15)]]
      }
      index += 1
    }
    // A folder cannot hold these two.
    if result == [UInt8(ascii: ".")] || result == [UInt8(ascii: "."), UInt8(ascii: ".")] {
      return result.flatMap { _ in Array("\\x2e".utf8) }
    }
    return result
  }

  private static let hexadecimal = Array("0123456789abcdef".utf8)

  private static func isPlain(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "a")...UInt8(ascii: "z"):
      true
    default: "#+-.:=@_".utf8.contains(byte)
    }
  }

  /// Bytes of the well-formed UTF-8 sequence of two bytes and more that `bytes` begins with; 1 where there is none.
  private static func sequenceLength(_ bytes: ArraySlice<UInt8>) -> Int {
    guard let first = bytes.first, first >= 0xC2, first <= 0xF4 else { return 1 }
    let length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2
    guard bytes.count >= length else { return 1 }
    return String(validating: bytes.prefix(length), as: UTF8.self) == nil ? 1 : length
  }
}
