internal import Bytes
internal import FileSystems

/// Points in time as people write them: a part of what date(1) takes.
enum FindDate {
  /// "2026-11-23", "2026-11-23 13:20", "2026-11-23T13:20:05.5+01:00", "@1700000000", "now", "today", "yesterday"; nil for
  /// anything else. Without a zone it is the local one.
  static func parse(_ text: String, now: Timestamp) -> Timestamp? {
    if text.first == "@" { return seconds(text.dropFirst()) }
    switch text {
    case "now": return now
    case "today": return now
    case "yesterday": return Timestamp(seconds: now.seconds - 86_400, nanoseconds: now.nanoseconds)
    default: break
    }
    var rest = text[...]
    guard let year = number(&rest, digits: 4), take("-", &rest), let month = number(&rest, digits: 2),
      take("-", &rest), let day = number(&rest, digits: 2), (1...12).contains(month), (1...31).contains(day)
    else { return nil }
    var hour = 0
    var minute = 0
    var second = 0
    var nanoseconds: UInt32 = 0
    if !rest.isEmpty {
      guard take("T", &rest) || take(" ", &rest), let hours = number(&rest, digits: 2), take(":", &rest),
        let minutes = number(&rest, digits: 2), hours < 24, minutes < 60
      else { return nil }
      (hour, minute) = (hours, minutes)
      if take(":", &rest) {
        guard let seconds = number(&rest, digits: 2), seconds <= 60 else { return nil }
        second = seconds
        if take(".", &rest) || take(",", &rest) {
          guard let parsed = fraction(&rest) else { return nil }
          nanoseconds = parsed
        }
      }
    }
    while take(" ", &rest) {}
    if rest.isEmpty {
      return LocalTime.seconds(year: year, month: month, day: day, hour: hour, minute: minute, second: second)
        .map { Timestamp(seconds: $0, nanoseconds: nanoseconds) }
    }
    guard let offset = zone(rest) else { return nil }
    let seconds = days(year, month, day) * 86_400 + Int64(hour * 3600 + minute * 60 + second) - offset
    return Timestamp(seconds: seconds, nanoseconds: nanoseconds)
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

  /// Seconds east of Greenwich: "Z", "UTC", "+01:00", "-0530".
  private static func zone(_ text: Substring) -> Int64? {
    if ["Z", "UTC", "GMT"].contains(text) { return 0 }
    var rest = text
    let sign: Int64
    if take("+", &rest) { sign = 1 } else if take("-", &rest) { sign = -1 } else { return nil }
    guard let hours = number(&rest, digits: 2), hours <= 24 else { return nil }
    _ = take(":", &rest)
    let minutes = rest.isEmpty ? 0 : number(&rest, digits: 2)
    guard let minutes, minutes < 60, rest.isEmpty else { return nil }
    return sign * Int64(hours * 3600 + minutes * 60)
  }

  /// Days since 1970, in the Gregorian calendar.
  private static func days(_ year: Int, _ month: Int, _ day: Int) -> Int64 {
    // Counted from 1 March, so that a leap day is the last of its year.
    let years = Int64(month <= 2 ? year - 1 : year)
    let months = Int64((month + 9) % 12)
    return 365 * years + years / 4 - years / 100 + years / 400 + (153 * months + 2) / 5 + Int64(day) - 1 - 719_468
  }

  private static func number(_ rest: inout Substring, digits count: Int) -> Int? {
    let digits = rest.prefix(count)
    guard digits.count == count, digits.allSatisfy({ $0.isASCII && $0.isNumber }) else { return nil }
    rest = rest.dropFirst(count)
    return Int(digits)
  }

  private static func fraction(_ rest: inout Substring) -> UInt32? {
    let digits = rest.prefix { $0.isASCII && $0.isNumber }
    guard !digits.isEmpty else { return nil }
    rest = rest.dropFirst(digits.count)
    let nine = digits.prefix(9)
    return UInt32(nine + String(repeating: "0", count: 9 - nine.count))
  }

  private static func take(_ character: Character, _ rest: inout Substring) -> Bool {
    guard rest.first == character else { return false }
    rest = rest.dropFirst()
    return true
  }
}
