internal import FileSystems

/// Numbers and times as `inspect` prints them.
enum InspectFormat {
  /// "512 B", "1.5 GiB": at most one decimal, and none where it would be 0.
  static func size(_ bytes: UInt64, exact: Bool = false) -> String {
    if exact { return "\(bytes)" }
    let units = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]
    guard bytes >= 1024 else { return "\(bytes) B" }
    var unit = 0
    var shift: UInt64 = 10
    while unit < units.count - 1 && bytes >> shift >= 1024 {
      unit += 1
      shift += 10
    }
    let whole = bytes >> shift
    let rest = bytes & ((1 << shift) - 1)
    // Tenths, rounded down: 1023.96 MiB is not yet 1 GiB.
    let tenths = (rest >> (shift - 10)) * 10 / 1024
    return tenths == 0 || whole >= 1000 ? "\(whole) \(units[unit])" : "\(whole).\(tenths) \(units[unit])"
  }

  /// A whole percentage, rounded down; "0%" of nothing.
  static func percentage(_ part: UInt64, of whole: UInt64) -> String {
    guard whole > 0 else { return "0%" }
    let product = part.multipliedFullWidth(by: 100)
    guard product.high < whole else { return "100%" }
    return "\(whole.dividingFullWidth(product).quotient)%"
  }

  /// "98,304" is for people; the separator is the comma whatever the locale.
  static func count(_ number: UInt64) -> String {
    let digits = Array(String(number))
    var text = ""
    for (index, digit) in digits.enumerated() {
      if index > 0 && (digits.count - index) % 3 == 0 { text.append(",") }
      text.append(digit)
    }
    return text
  }

  /// Columns that `text` takes on a terminal: two for what East Asian scripts and emoji take, none for what combines
  /// with the character before it.
  static func columns(of text: String) -> Int {
    text.unicodeScalars.reduce(0) { sum, scalar in
      switch scalar.value {
      case 0..<0x300: return sum + 1
      case 0x1100...0x115F, 0x2E80...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60,
        0xFFE0...0xFFE6, 0x1F300...0x1FAFF, 0x20000...0x3FFFD:
        return sum + 2
      default:
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .enclosingMark: return sum
        default: return sum + 1
        }
      }
    }
  }

  /// ISO 8601 in UTC, to the second: "2024-05-01T12:00:00Z".
  static func time(_ time: Timestamp) -> String {
    var days = time.seconds / 86_400
    var second = time.seconds % 86_400
    if second < 0 {
      second += 86_400
      days -= 1
    }
    // Days are counted from 1 March of year 0, so that a leap day is the last of its year; 146,097 days are 400 years.
    let shifted = days + 719_468
    let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shiftedMonth = (5 * dayOfYear + 2) / 153
    let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
    let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
    let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    return "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))T"
      + "\(padded(second / 3600, 2)):\(padded(second / 60 % 60, 2)):\(padded(second % 60, 2))Z"
  }

  /// "36:05:09": hours, minutes and seconds.
  static func duration(nanoseconds: UInt64) -> String {
    let seconds = Int64(nanoseconds / 1_000_000_000)
    return "\(padded(seconds / 3600, 2)):\(padded(seconds / 60 % 60, 2)):\(padded(seconds % 60, 2))"
  }

  private static func padded(_ number: Int64, _ digits: Int) -> String {
    let text = String(number.magnitude)
    return (number < 0 ? "-" : "") + String(repeating: "0", count: max(0, digits - text.count)) + text
  }
}
