internal import SystemPackage

/// What ends a command: one line for standard error, and an exit status.
struct Failure: Error {
  let text: String
  let status: Int32

  init(_ text: String, _ status: ExitStatus) {
    self.init(text, status: status.rawValue)
  }

  init(_ text: String, status: Int32) {
    self.text = text
    self.status = status
  }
}

enum Message {
  /// Writes one line to standard error: `vitrine: text`.
  static func write(_ text: String) { writeLine("vitrine: \(text)") }

  /// Writes one line to standard error.
  static func writeLine(_ text: String) {
    // A closed or full standard error is nobody's to tell.
    _ = try? FileDescriptor.standardError.writeAll("\(text)\n".utf8)
  }
}
