/// A descriptor's text: lines with any ends, in one of the encodings that VMware writes.
struct DescriptorText {
  /// Without blanks at either end.
  let lines: [Substring]

  /// - Parameter bytes: up to a zero byte, with which the space for a descriptor in an extent is filled.
  init(_ bytes: [UInt8]) {
    var text = bytes.prefix { $0 != 0 }
    if text.starts(with: [0xEF, 0xBB, 0xBF]) { text = text.dropFirst(3) }
    // `encoding=` is not to be relied on: Windows' products write names in the code page that the host has. What is not
    // UTF-8 is taken for Windows-1252.
    let string = String(validating: text, as: UTF8.self) ?? Self.windows1252(text)
    lines = string.split(omittingEmptySubsequences: true) { $0.isNewline }.map { Self.trimmed($0) }
  }

  /// Without blanks at either end.
  static func trimmed(_ text: Substring) -> Substring {
    var text = text.drop { isBlank($0) }
    while let last = text.last, isBlank(last) { text.removeLast() }
    return text
  }

  static func isBlank(_ character: Character) -> Bool { character == " " || character == "\t" }

  /// A value without blanks and quotes around it.
  static func unquoted(_ text: Substring) -> String {
    let value = trimmed(text)
    guard value.first == "\"" else { return String(value) }
    return String(value.dropFirst().prefix { $0 != "\"" })
  }

  private static func windows1252(_ bytes: ArraySlice<UInt8>) -> String {
    var text = ""
    for byte in bytes {
      let scalar = (0x80..<0xA0).contains(byte) ? Self.upperControls[Int(byte) - 0x80] : UInt32(byte)
      text.unicodeScalars.append(Unicode.Scalar(scalar) ?? "\u{FFFD}")
    }
    return text
  }

  /// What Windows-1252 has in the place of Latin-1's second range of control characters.
  private static let upperControls: [UInt32] = [
    0x20AC, 0xFFFD, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0xFFFD,
    0x017D, 0xFFFD, 0xFFFD, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A,
    0x0153, 0xFFFD, 0x017E, 0x0178,
  ]
}
