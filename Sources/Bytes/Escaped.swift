/// Text from an image, made harmless for a terminal and for one line of a message.
public enum Escaped {
  /// `bytes` as UTF-8, with what is not, and every control character, as \xNN; formatting characters that change the
  /// order of text, and line separators, as \u{NNNN}.
  public static func text(_ bytes: [UInt8]) -> String {
    var result = ""
    var rest = bytes[...]
    while let first = rest.first {
      let length = Self.length(from: first)
      if length > 0, rest.count >= length, let text = String(validating: rest.prefix(length), as: UTF8.self),
        let scalar = text.unicodeScalars.first
      {
        append(scalar, to: &result)
        rest = rest.dropFirst(length)
      } else {
        append(escaped: first, to: &result)
        rest = rest.dropFirst()
      }
    }
    return result
  }

  public static func text(_ string: String) -> String { text(Array(string.utf8)) }

  private static func append(_ scalar: Unicode.Scalar, to result: inout String) {
    switch scalar.properties.generalCategory {
    case .control where scalar.value < 0x80: append(escaped: UInt8(scalar.value), to: &result)
    case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned:
      result += "\\u{" + String(scalar.value, radix: 16) + "}"
    default:
      if scalar == "\\" { result += "\\\\" } else { result.unicodeScalars.append(scalar) }
    }
  }

  private static func append(escaped byte: UInt8, to result: inout String) {
    result += byte < 16 ? "\\x0" : "\\x"
    result += String(byte, radix: 16)
  }

  /// Bytes of the UTF-8 sequence that `first` starts; 0 where it starts none.
  private static func length(from first: UInt8) -> Int {
    switch first {
    case 0..<0x80: 1
    case 0xC2..<0xE0: 2
    case 0xE0..<0xF0: 3
    case 0xF0..<0xF5: 4
    default: 0
    }
  }
}
