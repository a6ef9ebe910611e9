/// Sizes as ls(1), df(1) and du(1) print them, rounded up.
enum HumanSize {
  /// "999", "1.0K", "12M": powers of 1024, or with a small k of 1000, with one decimal below 10.
  static func text(_ bytes: UInt64, base: UInt64 = 1024) -> String {
    guard bytes >= base else { return "\(bytes)" }
    var unit = 0
    var size: UInt64 = 1
    while unit < letters.count && bytes / size >= base {
      size *= base
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
      if rounded == base && unit < letters.count {
        unit += 1
        text = "1.0"
      } else {
        text = "\(rounded)"
      }
    }
    text.append(unit == 1 && base == 1000 ? "k" : letters[unit - 1])
    return text
  }

  private static let letters: [Character] = ["K", "M", "G", "T", "P", "E"]

  /// Units of `unit` bytes that hold `bytes`.
  static func units(_ bytes: UInt64, of unit: UInt64) -> UInt64 { bytes / unit + (bytes % unit == 0 ? 0 : 1) }
}

/// In what sizes are told.
enum SizeUnit: Equatable {
  /// Powers of 1024, or of 1000.
  case human(base: UInt64)
  /// Blocks of so many bytes, begun ones too; each number with these letters behind it.
  case blocks(UInt64, suffix: String)

  static let inOnes = SizeUnit.blocks(1, suffix: "")

  var isHuman: Bool {
    if case .human = self { true } else { false }
  }

  func text(_ bytes: UInt64) -> String {
    switch self {
    case .human(let base): HumanSize.text(bytes, base: base)
    case .blocks(let size, let suffix): "\(HumanSize.units(bytes, of: size))\(suffix)"
    }
  }

  /// "512", "1M", "K", "MB", "KiB", "human-readable", "si" as du(1) and df(1) have them; nil for anything else.
  init?(_ text: String) {
    switch text {
    case "human-readable": self = .human(base: 1024)
    case "si": self = .human(base: 1000)
    default:
      let digits = text.prefix { $0.isASCII && $0.isNumber }
      let letters = text.dropFirst(digits.count)
      guard let count = digits.isEmpty ? 1 : UInt64(digits), let unit = Self.size(of: letters) else { return nil }
      let (size, overflow) = count.multipliedReportingOverflow(by: unit)
      guard !overflow, size > 0, !text.isEmpty else { return nil }
      self = .blocks(size, suffix: digits.isEmpty ? letters == "KB" ? "kB" : String(letters) : "")
    }
  }

  /// Bytes that "", "K", "KB" or "KiB" stand for.
  static func size(of letters: Substring) -> UInt64? {
    guard let first = letters.first else { return 1 }
    let names = "KMGTPE"
    let letter = first == "k" ? "K" : first
    guard let power = names.firstIndex(of: letter).map({ names.distance(from: names.startIndex, to: $0) + 1 }) else {
      return letters == "B" ? 1 : nil
    }
    let base: UInt64
    switch letters.dropFirst() {
    case "", "iB": base = 1024
    case "B": base = 1000
    default: return nil
    }
    return (0..<power).reduce(1) { size, _ in size * base }
  }
}
