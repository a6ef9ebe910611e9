internal import Bytes
internal import FileSystems

/// Points in time as ls(1), stat(1) and find(1) print them, in the local time zone.
enum TimeText {
  /// "Nov 23 13:41" where it is less than half a year ago, else "Nov 23  2024".
  static func short(_ time: Timestamp, now: Timestamp) -> String {
    guard let local = LocalTime(time.seconds) else { return "\(time.seconds)" }
    let isRecent = isRecent(time, now: now)
    let date = "\(local.monthName) \(padded(local.day, 2, with: " ")) "
    return isRecent
      ? "\(date)\(padded(local.hour, 2)):\(padded(local.minute, 2))" : "\(date) \(padded(local.year, 4, with: " "))"
  }

  /// Whether it is less than half a year ago.
  static func isRecent(_ time: Timestamp, now: Timestamp) -> Bool {
    let halfAYearAgo = Timestamp(seconds: now.seconds - 31_556_952 / 2, nanoseconds: now.nanoseconds)
    return halfAYearAgo.isBefore(time) && time.isBefore(now)
  }

  /// "2026-11-23 13:41:00.123456789 +0000"
  static func full(_ time: Timestamp) -> String {
    guard let local = LocalTime(time.seconds) else {
      return "\(time.seconds).\(padded(Int(time.nanoseconds), 9))"
    }
    return "\(date(local)) \(clock(local)).\(padded(Int(time.nanoseconds), 9)) \(zone(local))"
  }

  static func date(_ local: LocalTime) -> String {
    "\(padded(local.year, 4))-\(padded(local.month, 2))-\(padded(local.day, 2))"
  }

  static func clock(_ local: LocalTime) -> String {
    "\(padded(local.hour, 2)):\(padded(local.minute, 2)):\(padded(local.second, 2))"
  }

  /// "+0100"
  static func zone(_ local: LocalTime) -> String {
    let minutes = abs(local.offset) / 60
    return (local.offset < 0 ? "-" : "+") + padded(minutes / 60, 2) + padded(minutes % 60, 2)
  }

  /// As date(1) has it behind a "+": the letters of strftime(3), and %N for nanoseconds.
  static func text(_ time: Timestamp, format: String) -> String {
    var text = ""
    var rest = format[...]
    while let character = rest.popFirst() {
      guard character == "%", let letter = rest.popFirst() else {
        text.append(character)
        continue
      }
      switch letter {
      case "N": text += padded(Int(time.nanoseconds), 9)
      case "%": text.append(letter)
      default: text += LocalTime.text(letter, of: time.seconds) ?? "?"
      }
    }
    return text
  }

  /// In UTC: "2026-11-23T13:41:00.123456789Z".
  static func iso(_ time: Timestamp) -> String {
    let text = InspectFormat.time(time)
    return String(text.dropLast()) + "." + padded(Int(time.nanoseconds), 9) + "Z"
  }

  static func padded(_ number: Int, _ digits: Int, with fill: String = "0") -> String {
    let text = String(number.magnitude)
    let sign = number < 0 ? "-" : ""
    return sign + String(repeating: fill, count: max(0, digits - text.count - sign.count)) + text
  }
}

extension Timestamp {
  static var now: Timestamp {
    let now = LocalTime.now
    return Timestamp(seconds: now.seconds, nanoseconds: now.nanoseconds)
  }
}
