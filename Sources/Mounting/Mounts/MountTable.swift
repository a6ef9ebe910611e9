internal import SystemPackage

/// What is mounted where, as /proc/self/mountinfo says (proc(5)).
struct MountTable {
  struct Entry {
    /// "MAJOR:MINOR", as `st_dev` of what is in it.
    let device: String
    let mountPoint: String
    /// Of this mount: "ro,nosuid".
    let options: String
    let type: String
    let source: String
    /// Of the filesystem, whichever mount of it is meant.
    let superOptions: String
  }

  let entries: [Entry]

  static let missing = MountError(.system, "cannot read /proc/self/mountinfo; is /proc mounted?")

  /// nil without /proc.
  static func current() -> MountTable? { of("self") }

  /// That of another process, by its number: it may see others. nil where it may not be looked at.
  static func of(_ process: String) -> MountTable? {
    guard let bytes = SmallFile.bytes(of: FilePath("/proc/\(process)/mountinfo")) else { return nil }
    return MountTable(parsing: bytes)
  }

  init(parsing bytes: [UInt8]) {
    entries = bytes.split(separator: UInt8(ascii: "\n")).compactMap(Self.entry)
  }

  private static func entry(_ line: ArraySlice<UInt8>) -> Entry? {
    let fields = line.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
    // ID parent device root mount-point options [optional …] - type source super-options
    guard fields.count > 6, let dash = fields[6...].firstIndex(where: { Array($0) == [UInt8(ascii: "-")] }),
      fields.count > dash + 2
    else { return nil }
    return Entry(
      device: unescape(fields[2]), mountPoint: unescape(fields[4]), options: unescape(fields[5]),
      type: unescape(fields[dash + 1]), source: unescape(fields[dash + 2]),
      superOptions: fields.count > dash + 3 ? unescape(fields[dash + 3]) : "")
  }

  /// Blanks, tabs, newlines and backslashes are written as three octal digits behind a backslash.
  static func unescape(_ field: ArraySlice<UInt8>) -> String {
    var result: [UInt8] = []
    var rest = field
    while let byte = rest.popFirst() {
      let digits = rest.prefix(3)
      if byte == UInt8(ascii: "\\"), digits.count == 3,
        let value = UInt8(String(decoding: digits, as: UTF8.self), radix: 8)
      {
        result.append(value)
        rest = rest.dropFirst(3)
      } else {
        result.append(byte)
      }
    }
    return String(decoding: result, as: UTF8.self)
  }

  /// What is on top at `path`.
  func last(at path: String) -> Entry? { entries.last { $0.mountPoint == path } }
}
