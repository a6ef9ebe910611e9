internal import Bytes
internal import Glibc
internal import Synchronization

/// What a session says while it serves: to standard error, or to the system's log where nobody would see that.
public final class Log: Sendable {
  public enum Target: Sendable { case standardError, system, nowhere }

  private let subject: String
  private struct State {
    var target: Target
    /// Nodes that something was said about already. Bounded: an image may hold any number of bad files.
    var reported: Set<UInt64> = []
  }
  private let state: Mutex<State>
  private static let reportLimit = 1024

  /// - Parameter subject: what it all is about: the image's path.
  public init(about subject: String, to target: Target = .standardError) {
    self.subject = subject
    state = Mutex(State(target: target))
  }

  /// From here on standard error is not seen by anybody.
  public func moveToSystem() {
    state.withLock { $0.target = .system }
  }

  public func write(_ text: String) {
    let line = "\(subject): \(text)"
    switch state.withLock({ $0.target }) {
    case .standardError:
      let bytes = Array("vitrine: \(line)\n".utf8)
      // Safe: write reads the array's bytes.
      _ = unsafe bytes.withUnsafeBytes { unsafe Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
    case .nowhere: break
    case .system:
      // Safe: "%s" and one C string, which lives as long as the call.
      unsafe line.withCString { text in
        unsafe withVaList([text]) { unsafe vsyslog(LOG_WARNING | LOG_USER, "%s", $0) }
      }
    }
  }

  /// Says what is wrong with a node, once: the kernel asks again for every page of a file that cannot be read.
  func report(_ error: ReadError, node: UInt64, statNumber: UInt64) {
    let isNew = state.withLock { state in
      guard state.reported.count < Self.reportLimit else { return false }
      return state.reported.insert(node).inserted
    }
    if isNew { write("inode \(statNumber): \(error)") }
  }
}
