internal import Bytes
internal import FileSystems

/// Points in time as people write them: what date(1) takes of it most often.
enum FindDate {
  /// "2026-11-23", "20261123 13:20", "2026-11-23T13:20:05.5+01:00", "23 Nov 2026", "Nov 23, 2026", "@1700000000", "now",
  /// "yesterday", "3 days ago", "last week", "-2 hours"; nil for anything else. Without a zone it is the local one.
  static func parse(_ text: String, now: Timestamp) -> Timestamp? {
    if text.first == "@" { return seconds(text.dropFirst()) }
    var reader = FindDateReader(text)
    return reader.read(now: now)
  }

  private static func seconds(_ text: Substring) -> Timestamp? {
    let isNegative = text.first == "-"
    var rest = isNegative ? text.dropFirst() : text
    let digits = rest.prefix { $0.isASCII && $0.isNumber }
    guard let whole = Int64(digits) else { return nil }
    rest = rest.dropFirst(digits.count)
    var nanoseconds: UInt32 = 0
    if take(".", &rest) {
      guard let parsed = fraction(&rest) else { return nil }
      nanoseconds = parsed
    }
    guard rest.isEmpty else { return nil }
    guard isNegative else { return Timestamp(seconds: whole, nanoseconds: nanoseconds) }
    return nanoseconds == 0
      ? Timestamp(seconds: -whole) : Timestamp(seconds: -whole - 1, nanoseconds: 1_000_000_000 - nanoseconds)
  }

  static func fraction(_ rest: inout Substring) -> UInt32? {
    let digits = rest.prefix { $0.isASCII && $0.isNumber }
    guard !digits.isEmpty else { return nil }
    rest = rest.dropFirst(digits.count)
    let nine = digits.prefix(9)
    return UInt32(nine + String(repeating: "0", count: 9 - nine.count))
  }

  static func take(_ character: Character, _ rest: inout Substring) -> Bool {
    guard rest.first == character else { return false }
    rest = rest.dropFirst()
    return true
  }
}
