internal import Bytes
internal import FileSystems

/// Reads a point in time word by word: a date, a time of the day, a zone, and how far from there.
struct FindDateReader {
  private var rest: Substring
  private var date: (year: Int, month: Int, day: Int)?
  private var time: (hour: Int, minute: Int, second: Int, nanoseconds: UInt32)?
  /// Seconds east of Greenwich.
  private var zone: Int64?
  private var months = 0
  private var days = 0
  private var seconds: Int64 = 0
  /// Whether there was a word that counts from a moment, and not from a day's beginning.
  private var isRelative = false

  init(_ text: String) { rest = text.lowercased()[...] }

  mutating func read(now: Timestamp) -> Timestamp? {
    var isEmpty = true
    skipBlanks()
    while !rest.isEmpty {
      guard readItem() else { return nil }
      isEmpty = false
      skipBlanks()
    }
    return isEmpty ? nil : point(now: now)
  }

  private mutating func skipBlanks() { rest = rest.drop { $0 == " " || $0 == "\t" || $0 == "," } }

  private mutating func readItem() -> Bool {
    readDate() || readTime() || readZone() || readShift() || readWord()
  }

  // MARK: Parts

  /// Tries to read something, and stays where it was where that fails.
  private mutating func attempt(_ read: (inout Substring) -> Bool) -> Bool {
    var copy = rest
    guard read(&copy) else { return false }
    rest = copy
    return true
  }

  private mutating func readDate() -> Bool {
    guard date == nil else { return false }
    var found: (year: Int, month: Int, day: Int)?
    let isRead = attempt { rest in
      found = Self.isoDate(&rest) ?? Self.namedDate(&rest)
      return found != nil
    }
    guard isRead, let found, (1...12).contains(found.month), (1...31).contains(found.day) else { return false }
    date = found
    // "2026-11-23T13:20"
    if rest.first == "t", rest.dropFirst().first?.isNumber == true { rest = rest.dropFirst() }
    return true
  }

  /// "2026-11-23" or "20261123".
  private static func isoDate(_ rest: inout Substring) -> (Int, Int, Int)? {
    guard let year = number(&rest, digits: 4) else { return nil }
    let hasDashes = FindDate.take("-", &rest)
    guard let month = number(&rest, digits: 2), !hasDashes || FindDate.take("-", &rest),
      let day = number(&rest, digits: 2), rest.first?.isNumber != true
    else { return nil }
    return (year, month, day)
  }

  /// "23 nov 2026" or "nov 23, 2026".
  private static func namedDate(_ rest: inout Substring) -> (Int, Int, Int)? {
    var day = number(&rest)
    if day != nil { rest = rest.drop { $0 == " " } }
    guard let month = month(&rest) else { return nil }
    rest = rest.drop { $0 == " " }
    if day == nil { day = number(&rest) }
    rest = rest.drop { $0 == " " || $0 == "," }
    guard let day, let year = number(&rest, digits: 4), rest.first?.isNumber != true, rest.first != ":" else {
      return nil
    }
    return (year, month, day)
  }

  private static let monthNames = [
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
  ]

  private static func month(_ rest: inout Substring) -> Int? {
    let word = rest.prefix { $0.isLetter }
    guard word.count >= 3, let index = monthNames.firstIndex(where: { $0.hasPrefix(word) }) else { return nil }
    rest = rest.dropFirst(word.count)
    return index + 1
  }

  /// "13:20", "13:20:05", "13:20:05.5".
  private mutating func readTime() -> Bool {
    guard time == nil else { return false }
    var found: (hour: Int, minute: Int, second: Int, nanoseconds: UInt32)?
    let isRead = attempt { rest in
      guard let hour = Self.number(&rest, digits: 2), FindDate.take(":", &rest),
        let minute = Self.number(&rest, digits: 2), hour < 24, minute < 60
      else { return false }
      var second = 0
      var nanoseconds: UInt32 = 0
      if FindDate.take(":", &rest) {
        guard let parsed = Self.number(&rest, digits: 2), parsed <= 60 else { return false }
        second = parsed
        if FindDate.take(".", &rest) || FindDate.take(",", &rest) {
          guard let parsed = FindDate.fraction(&rest) else { return false }
          nanoseconds = parsed
        }
      }
      found = (hour, minute, second, nanoseconds)
      return true
    }
    if isRead { time = found }
    return isRead
  }

  /// "z", "utc", and behind a time "+01:00" or "-0530".
  private mutating func readZone() -> Bool {
    guard time != nil, zone == nil else { return false }
    let word = rest.prefix { $0.isLetter }
    if ["z", "utc", "gmt"].contains(word) {
      rest = rest.dropFirst(word.count)
      zone = 0
      return true
    }
    var found: Int64?
    let isRead = attempt { rest in
      let isEast = FindDate.take("+", &rest)
      guard isEast || FindDate.take("-", &rest), let hours = Self.number(&rest, digits: 2), hours <= 24 else {
        return false
      }
      var minutes = 0
      if FindDate.take(":", &rest) || rest.first?.isNumber == true {
        guard let parsed = Self.number(&rest, digits: 2), parsed < 60 else { return false }
        minutes = parsed
      }
      guard rest.isEmpty || rest.first == " " else { return false }
      found = (isEast ? 1 : -1) * Int64(hours * 3600 + minutes * 60)
      return true
    }
    if isRead { zone = found }
    return isRead
  }

  /// "3 days ago", "+2 hours", "last week".
  private mutating func readShift() -> Bool {
    var shift: (count: Int, unit: Unit)?
    let isRead = attempt { rest in
      var sign = 1
      if FindDate.take("-", &rest) { sign = -1 } else { _ = FindDate.take("+", &rest) }
      rest = rest.drop { $0 == " " }
      var count = Self.number(&rest)
      if count == nil {
        let word = rest.prefix { $0.isLetter }
        count = ["last": -1, "next": 1, "this": 0, "a": 1, "an": 1][word]
        guard count != nil else { return false }
        rest = rest.dropFirst(word.count)
      }
      rest = rest.drop { $0 == " " }
      let word = rest.prefix { $0.isLetter }
      guard let count, let unit = Unit(word) else { return false }
      rest = rest.dropFirst(word.count)
      let behind = rest.drop { $0 == " " }
      if behind.hasPrefix("ago"), behind.dropFirst(3).first?.isLetter != true {
        rest = behind.dropFirst(3)
        sign = -sign
      }
      shift = (sign * count, unit)
      return true
    }
    guard isRead, let shift else { return false }
    add(shift.count, shift.unit)
    return true
  }

  private enum Unit {
    case seconds(Int64)
    case days(Int)
    case months(Int)

    init?(_ word: Substring) {
      switch word.last == "s" && word.count > 1 ? word.dropLast() : word {
      case "second", "sec": self = .seconds(1)
      case "minute", "min": self = .seconds(60)
      case "hour": self = .seconds(3600)
      case "day": self = .days(1)
      case "week": self = .days(7)
      case "fortnight": self = .days(14)
      case "month": self = .months(1)
      case "year": self = .months(12)
      default: return nil
      }
    }
  }

  private mutating func add(_ count: Int, _ unit: Unit) {
    isRelative = true
    // Counts have nine digits at most.
    switch unit {
    case .seconds(let size): seconds += Int64(count) * size
    case .days(let size): days += count * size
    case .months(let size): months += count * size
    }
  }

  private mutating func readWord() -> Bool {
    let word = rest.prefix { $0.isLetter }
    switch word {
    case "now", "today": isRelative = true
    case "yesterday": add(-1, .days(1))
    case "tomorrow": add(1, .days(1))
    default: return false
    }
    rest = rest.dropFirst(word.count)
    return true
  }

  /// At most nine digits.
  private static func number(_ rest: inout Substring) -> Int? {
    let digits = rest.prefix { $0.isASCII && $0.isNumber }
    guard (1...9).contains(digits.count) else { return nil }
    rest = rest.dropFirst(digits.count)
    return Int(digits)
  }

  private static func number(_ rest: inout Substring, digits count: Int) -> Int? {
    let digits = rest.prefix(count)
    guard digits.count == count, digits.allSatisfy({ $0.isASCII && $0.isNumber }) else { return nil }
    rest = rest.dropFirst(count)
    return Int(digits)
  }

  // MARK: The whole

  private func point(now: Timestamp) -> Timestamp? {
    guard let local = LocalTime(now.seconds) else { return nil }
    let day = date ?? (local.year, local.month, local.day)
    // A day without a time is meant from its beginning; what is told from now on keeps the time of now.
    let isFromNow = date == nil && time == nil
    let clock =
      time ?? (isFromNow ? (local.hour, local.minute, local.second, now.nanoseconds) : (0, 0, 0, 0))
    let month = day.month - 1 + months
    // As mktime(3) puts it right: months behind December, days behind the month's last.
    let year = day.year + (month >= 0 ? month / 12 : (month - 11) / 12)
    let ownMonth = ((month % 12) + 12) % 12 + 1
    let found: Int64?
    if let zone {
      found =
        Self.days(year, ownMonth, day.day + days) * 86_400
        + Int64(clock.hour * 3600 + clock.minute * 60 + clock.second) - zone
    } else {
      found = LocalTime.seconds(
        year: year, month: ownMonth, day: day.day + days, hour: clock.hour, minute: clock.minute,
        second: clock.second)
    }
    return found.map { Timestamp(seconds: $0 + seconds, nanoseconds: clock.nanoseconds) }
  }

  /// Days since 1970, in the Gregorian calendar.
  private static func days(_ year: Int, _ month: Int, _ day: Int) -> Int64 {
    // Counted from 1 March, so that a leap day is the last of its year.
    let years = Int64(month <= 2 ? year - 1 : year)
    let months = Int64((month + 9) % 12)
    let leapDays = Self.floor(years, 4) - Self.floor(years, 100) + Self.floor(years, 400)
    return 365 * years + leapDays + (153 * months + 2) / 5 + Int64(day) - 1 - 719_468
  }

  private static func floor(_ number: Int64, _ divisor: Int64) -> Int64 {
    number / divisor - (number % divisor < 0 ? 1 : 0)
  }
}
