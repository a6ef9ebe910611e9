internal import Glibc

/// A point in time as a calendar and clock of the local time zone tell it.
public struct LocalTime: Sendable {
  public let year: Int
  /// 1 … 12.
  public let month: Int
  /// 1 … 31.
  public let day: Int
  public let hour: Int
  public let minute: Int
  public let second: Int
  /// 0 … 6, from Sunday on.
  public let weekday: Int
  /// Seconds east of Greenwich.
  public let offset: Int

  /// - Parameter seconds: since 1970.
  /// Fails where the year does not fit.
  public init?(_ seconds: Int64) {
    // Safe, here and below: the `tm` is a local that the calls fill in, and its pointer to a zone's name is not used.
    var parts = unsafe tm()
    var time = time_t(seconds)
    guard unsafe localtime_r(&time, &parts) != nil else { return nil }
    year = unsafe Int(parts.tm_year) + 1900
    month = unsafe Int(parts.tm_mon) + 1
    day = unsafe Int(parts.tm_mday)
    hour = unsafe Int(parts.tm_hour)
    minute = unsafe Int(parts.tm_min)
    second = unsafe Int(parts.tm_sec)
    weekday = unsafe Int(parts.tm_wday)
    offset = unsafe parts.tm_gmtoff
  }

  /// What strftime(3) makes of one of its letters, in the C locale; nil where the year does not fit.
  public static func text(_ letter: Character, of seconds: Int64) -> String? {
    var parts = unsafe tm()
    var time = time_t(seconds)
    var text = [CChar](repeating: 0, count: 128)
    // Safe: the `tm` and the text are locals, and the text's size is told.
    guard unsafe localtime_r(&time, &parts) != nil else { return nil }
    let count = unsafe strftime(&text, text.count, "%\(letter)", &parts)
    return String(decoding: text.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// "Jan" …
  public var monthName: String {
    let names = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    return names.indices.contains(month - 1) ? names[month - 1] : "???"
  }

  /// "Sun" …
  public var weekdayName: String {
    let names = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    return names.indices.contains(weekday) ? names[weekday] : "???"
  }

  /// Seconds since 1970 of a time that is given in the local time zone; nil where there is none such.
  public static func seconds(
    year: Int, month: Int, day: Int, hour: Int = 0, minute: Int = 0, second: Int = 0
  ) -> Int64? {
    guard let years = Int32(exactly: year - 1900) else { return nil }
    // Safe: as above.
    var parts = unsafe tm()
    unsafe parts.tm_year = years
    unsafe parts.tm_mon = Int32(clamping: month - 1)
    unsafe parts.tm_mday = Int32(clamping: day)
    unsafe parts.tm_hour = Int32(clamping: hour)
    unsafe parts.tm_min = Int32(clamping: minute)
    unsafe parts.tm_sec = Int32(clamping: second)
    unsafe parts.tm_isdst = -1
    // Told apart from −1, which is a time too, by what the call leaves untouched only where it fails.
    unsafe parts.tm_wday = -1
    let seconds = unsafe mktime(&parts)
    return unsafe parts.tm_wday < 0 ? nil : Int64(seconds)
  }

  /// Now: seconds since 1970, and nanoseconds.
  public static var now: (seconds: Int64, nanoseconds: UInt32) {
    var time = timespec()
    // Safe: the call fills in a `timespec`.
    _ = unsafe clock_gettime(CLOCK_REALTIME, &time)
    return (Int64(time.tv_sec), UInt32(clamping: time.tv_nsec))
  }
}
