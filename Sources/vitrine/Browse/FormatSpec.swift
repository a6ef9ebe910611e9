/// How one `%` sequence is to be printed, as printf(3) has it: `%-10.3s`.
struct FormatSpec {
  var isLeft = false
  var isZeroPadded = false
  var hasSign = false
  var hasSpace = false
  var isAlternate = false
  var width = 0
  var precision: Int?

  /// Reads flags, width and precision from the front of `rest`.
  init(parsing rest: inout ArraySlice<UInt8>) {
    flags: while let byte = rest.first {
      switch byte {
      case UInt8(ascii: "-"): isLeft = true
      case UInt8(ascii: "0"): isZeroPadded = true
      case UInt8(ascii: "+"): hasSign = true
      case UInt8(ascii: " "): hasSpace = true
      case UInt8(ascii: "#"): isAlternate = true
      case UInt8(ascii: "'"), UInt8(ascii: "I"): break
      default: break flags
      }
      rest = rest.dropFirst()
    }
    width = Self.number(&rest) ?? 0
    if rest.first == UInt8(ascii: ".") {
      rest = rest.dropFirst()
      precision = Self.number(&rest) ?? 0
    }
  }

  /// Bounded: a width says how much to write.
  private static let greatest = 4096

  private static func number(_ rest: inout ArraySlice<UInt8>) -> Int? {
    var number: Int?
    while let byte = rest.first, byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") {
      number = min((number ?? 0) * 10 + Int(byte - UInt8(ascii: "0")), greatest)
      rest = rest.dropFirst()
    }
    return number
  }

  func text(_ bytes: some Collection<UInt8>) -> [UInt8] {
    let cut = precision.map { Array(bytes.prefix($0)) } ?? Array(bytes)
    return padded(cut)
  }

  func text(_ string: String) -> [UInt8] { text(string.utf8) }

  func text(_ number: UInt64, radix: Int = 10) -> [UInt8] {
    let prefix = isAlternate && number > 0 ? (radix == 16 ? "0x" : radix == 8 ? "0" : "") : ""
    return digits(String(number, radix: radix), sign: prefix)
  }

  func text(_ number: Int64) -> [UInt8] {
    digits(String(number.magnitude), sign: number < 0 ? "-" : hasSign ? "+" : hasSpace ? " " : "")
  }

  /// Seconds, with as many decimals as there is precision for; rounded down, before 1970 too.
  func text(seconds: Int64, nanoseconds: UInt32) -> [UInt8] {
    guard let precision else { return text(seconds) }
    let unit = Self.powers[max(0, 9 - precision)]
    var whole = seconds
    var fraction = nanoseconds / unit
    let isNegative = seconds < 0
    if isNegative && nanoseconds > 0 {
      // Counted back from the next second.
      fraction = 1_000_000_000 / unit - fraction - (nanoseconds % unit == 0 ? 0 : 1)
      if fraction > 0 { whole += 1 }
    }
    let decimals =
      TimeText.padded(Int(fraction), min(precision, 9)) + String(repeating: "0", count: max(0, precision - 9))
    var copy = self
    copy.precision = nil
    return copy.digits(
      String(whole.magnitude) + (precision > 0 ? "." + decimals : ""), sign: isNegative ? "-" : hasSign ? "+" : "")
  }

  /// Powers of ten, up to 10⁹.
  private static let powers: [UInt32] = [
    1, 10, 100, 1000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000,
  ]

  private func digits(_ digits: String, sign: String) -> [UInt8] {
    var digits = digits
    if let precision {
      digits = String(repeating: "0", count: max(0, precision - digits.utf8.count)) + digits
    } else if isZeroPadded && !isLeft {
      digits = String(repeating: "0", count: max(0, width - sign.utf8.count - digits.utf8.count)) + digits
    }
    return padded(Array((sign + digits).utf8))
  }

  private func padded(_ bytes: [UInt8]) -> [UInt8] {
    let padding = [UInt8](repeating: UInt8(ascii: " "), count: max(0, width - bytes.count))
    return isLeft ? bytes + padding : padding + bytes
  }
}

/// What a backslash stands for in a format: `\n`, `\t`, `\0`, `\101`, `\x41`.
enum FormatEscape {
  /// The byte, with `rest` behind the sequence; nil where the backslash stands for itself.
  /// - Parameter rest: begins behind the backslash.
  static func byte(parsing rest: inout ArraySlice<UInt8>) -> UInt8? {
    guard let first = rest.first else { return nil }
    let simple: [UInt8: UInt8] = [
      UInt8(ascii: "a"): 7, UInt8(ascii: "b"): 8, UInt8(ascii: "e"): 27, UInt8(ascii: "f"): 12, UInt8(ascii: "n"): 10,
      UInt8(ascii: "r"): 13, UInt8(ascii: "t"): 9, UInt8(ascii: "v"): 11, UInt8(ascii: "\\"): UInt8(ascii: "\\"),
      UInt8(ascii: "\""): UInt8(ascii: "\""),
    ]
    if let byte = simple[first] {
      rest = rest.dropFirst()
      return byte
    }
    if first == UInt8(ascii: "x") {
      let digits = rest.dropFirst().prefix(2).prefix { Character(Unicode.Scalar($0)).isHexDigit }
      guard let byte = UInt8(String(decoding: digits, as: UTF8.self), radix: 16) else { return nil }
      rest = rest.dropFirst(1 + digits.count)
      return byte
    }
    let digits = rest.prefix(3).prefix { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "7") }
    guard let value = UInt32(String(decoding: digits, as: UTF8.self), radix: 8) else { return nil }
    rest = rest.dropFirst(digits.count)
    return UInt8(truncatingIfNeeded: value)
  }
}
