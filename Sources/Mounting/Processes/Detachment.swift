internal import CFuse
internal import Glibc
internal import Synchronization

/// Two processes out of one: the server, which goes on in the background, and the one that was started, which waits
/// until the mount answers.
public enum Detachment {
  /// No failure once the mount answers; else why it does not.
  case starter(server: Int32, failure: String?)
  /// A signal asked for the end before the mount answered: the server has taken the mount away, and ended.
  case interrupted(signal: Int32)

  /// Makes the server's process, and waits for its word.
  ///
  /// Only for a process that has one thread, and while `EndSignals` are held back.
  /// - Parameters:
  ///   - inherited: is let go of by the server.
  ///   - starting: is called in the starter, before it waits.
  ///   - serving: is what the server does, until its end.
  public static func start(
    leaving inherited: InheritedDescriptors, starting: () -> Void, serving: @escaping (Readiness) -> Never
  ) throws(MountError) -> Detachment {
    let (readiness, waiting) = try Readiness.pair()
    let child: pid_t
    do {
      child = try ServerProcess.start {
        waiting.close()
        inherited.close()
        setsid()
        // Safe: a C string.
        _ = unsafe chdir("/")
        serving(readiness)
      }
    } catch {
      readiness.close()
      waiting.close()
      throw error
    }
    readiness.close()
    starting()
    let queue = SignalQueue(EndSignals.all)
    defer { queue?.close() }
    switch waiting.wait(besides: queue) {
    case .ready: return .starter(server: child, failure: nil)
    case .failed(let text):
      return .starter(server: child, failure: text ?? "the server ended before the mount answered")
    case .interrupted(let signal):
      // It may have said that the mount answers, and nobody has heard it.
      kill(child, SIGTERM)
      ChildProcess.reap(child, unless: queue)
      return .interrupted(signal: signal)
    }
  }
}

/// A child of this process.
enum ChildProcess {
  /// Waits for a child's end, which is near. Who asks for the end of this process once more gets what is awaited; who
  /// asks twice does not want to wait for it.
  /// - Returns: the child's status as waitpid(2) has it; nil where it is not known.
  @discardableResult static func reap(_ child: pid_t, unless queue: SignalQueue?) -> CInt? {
    var status: CInt = 0
    var askings = 0
    while true {
      // Safe: the status is a local.
      let reaped = unsafe waitpid(child, &status, WNOHANG)
      if reaped == child { return status }
      if reaped < 0 && errno != EINTR { return nil }
      while let arrival = queue?.next() {
        if arrival.signal != SIGCHLD { askings += 1 }
      }
      if askings > 1 { return nil }
      usleep(2000)
    }
  }
}

/// The server's end of what its starter waits for: one word, and nothing after it.
public final class Readiness: Sendable {
  fileprivate static let ready: UInt8 = 0
  /// nil once it has been said; the number may then be another file's.
  private let descriptor: Mutex<CInt?>

  private init(descriptor: CInt) { self.descriptor = Mutex(descriptor) }

  /// Both ends.
  static func pair() throws(MountError) -> (Readiness, StarterWait) {
    var ends: (CInt, CInt) = (-1, -1)
    // Safe: two descriptors are written, into a pair of them.
    let made = unsafe withUnsafeMutableBytes(of: &ends) {
      unsafe pipe2($0.baseAddress?.assumingMemoryBound(to: CInt.self), O_CLOEXEC)
    }
    guard made == 0 else { throw MountError(.system, "cannot start the server: \(String(errno: errno))") }
    return (Readiness(descriptor: ends.1), StarterWait(descriptor: ends.0))
  }

  func close() { _ = say([]) }

  /// Says `bytes`, and closes; false where nobody listens, or something has been said.
  private func say(_ bytes: [UInt8]) -> Bool {
    guard let descriptor = descriptor.withLock({ $0.take() }) else { return false }
    defer { Glibc.close(descriptor) }
    // Safe: write reads the array's bytes.
    return unsafe bytes.withUnsafeBytes { unsafe write(descriptor, $0.baseAddress, $0.count) } == bytes.count
  }

  /// Lets the starter go; false where it has gone away already, and nobody wants the mount.
  public func report() -> Bool { say([Self.ready]) }

  /// Tells the starter why there is no mount.
  public func fail(_ text: String) { _ = say(Array(text.utf8)) }

  /// Points standard input and output, and standard error unless it is kept, at nothing.
  public static func leaveTerminal(keepingStandardError keeps: Bool) {
    // Safe: a C string.
    let nothing = unsafe open("/dev/null", O_RDWR | O_CLOEXEC)
    guard nothing >= 0 else { return }
    dup2(nothing, STDIN_FILENO)
    dup2(nothing, STDOUT_FILENO)
    if !keeps { dup2(nothing, STDERR_FILENO) }
    if nothing > STDERR_FILENO { Glibc.close(nothing) }
  }

  /// The starter's end.
  struct StarterWait {
    enum Outcome {
      case ready
      /// nil where the server has ended without a word.
      case failed(String?)
      case interrupted(signal: CInt)
    }

    fileprivate let descriptor: CInt

    func close() { Glibc.close(descriptor) }

    /// Waits for the server's word, and closes.
    func wait(besides queue: SignalQueue?) -> Outcome {
      defer { close() }
      var bytes: [UInt8] = []
      var chunk = [UInt8](repeating: 0, count: 512)
      while bytes.count < 4096 {
        if let queue {
          queue.wait(beside: [descriptor])
          while let arrival = queue.next() {
            if arrival.signal != SIGCHLD { return .interrupted(signal: arrival.signal) }
          }
          guard hasMore else { continue }
        }
        // Safe: read writes at most the array's size.
        let count = unsafe read(descriptor, &chunk, chunk.count)
        if count < 0 && errno == EINTR { continue }
        if count <= 0 { break }
        bytes += chunk.prefix(count)
        if bytes.first == Readiness.ready { return .ready }
      }
      return .failed(bytes.isEmpty ? nil : String(decoding: bytes, as: UTF8.self))
    }

    private var hasMore: Bool {
      var poll = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      // Safe: one pollfd, a local.
      return unsafe Glibc.poll(&poll, 1, 0) > 0
    }
  }
}
