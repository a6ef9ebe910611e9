internal import Glibc
public import Logging
internal import Synchronization

/// Where a server's log goes: to standard error, and to the system's log once nobody would see that.
public final class LogDestination: Sendable {
  private let isSystem = Mutex(false)

  public init() {}

  /// From here on standard error is not seen by anybody.
  public func moveToSystem() {
    isSystem.withLock { $0 = true }
  }

  fileprivate func write(_ line: String, priority: CInt) {
    if isSystem.withLock({ $0 }) {
      // Safe: "%s" and one C string, which lives as long as the call.
      unsafe line.withCString { text in
        unsafe withVaList([text]) { unsafe vsyslog(priority | LOG_USER, "%s", $0) }
      }
    } else {
      let bytes = Array("vitrine: \(line)\n".utf8)
      // Safe: write reads the array's bytes.
      _ = unsafe bytes.withUnsafeBytes { unsafe Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }
  }
}

/// Writes what a session says while it serves, a line each: the logger's label, which is the image's path, and the
/// message.
public struct ServerLogHandler: LogHandler {
  public var logLevel = Logger.Level.warning
  public var metadata = Logger.Metadata()
  private let label: String
  private let destination: LogDestination

  public init(label: String, to destination: LogDestination) {
    self.label = label
    self.destination = destination
  }

  public subscript(metadataKey key: String) -> Logger.MetadataValue? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  public func log(event: LogEvent) {
    destination.write("\(label): \(event.message)", priority: event.level >= .error ? LOG_ERR : LOG_WARNING)
  }
}
