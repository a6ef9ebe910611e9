/// Sizes as ls(1), df(1) and du(1) print them, rounded up.
enum HumanSize {
  /// "999", "1.0K", "12M": powers of 1024, with one decimal below 10.
  static func text(_ bytes: UInt64) -> String {
    guard bytes >= 1024 else { return "\(bytes)" }
    var unit = 0
    var size: UInt64 = 1
    while unit < letters.count && bytes / size >= 1024 {
      size <<= 10
      unit += 1
    }
    // In tenths, rounded up; whole units from 10 on.
    let whole = bytes / size
    let rest = bytes % size
    let tenths = (whole, (rest * 5 + (size >> 1) - 1) / (size >> 1))
    var text: String
    if whole < 10, !(whole == 9 && tenths.1 == 10) {
      let (units, decimal) = tenths.1 == 10 ? (whole + 1, 0) : (whole, tenths.1)
      text = "\(units).\(decimal)"
    } else {
      let rounded = whole + (rest > 0 ? 1 : 0)
      if rounded == 1024 && unit < letters.count {
        unit += 1
        text = "1.0"
      } else {
        text = "\(rounded)"
      }
    }
    text.append(letters[unit - 1])
    return text
  }

  private static let letters: [Character] = ["K", "M", "G", "T", "P", "E"]

  /// Units of `unit` bytes that hold `bytes`.
  static func units(_ bytes: UInt64, of unit: UInt64) -> UInt64 { bytes / unit + (bytes % unit == 0 ? 0 : 1) }
}
