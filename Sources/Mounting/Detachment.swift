internal import CFuse
internal import Glibc

/// Two processes out of one: the server, which goes on in the background, and the one that was started, which waits
/// until the mount answers.
public enum Detachment {
  case server(Readiness)
  /// nil once the mount answers; else why it does not.
  case starter(failure: String?)

  /// Only for a process that has one thread.
  /// - Parameter inherited: is let go of by the server.
  public static func start(leaving inherited: InheritedDescriptors) throws(MountError) -> Detachment {
    var ends: (CInt, CInt) = (-1, -1)
    // Safe: two descriptors are written, into a pair of them.
    let made = unsafe withUnsafeMutableBytes(of: &ends) {
      unsafe pipe2($0.baseAddress?.assumingMemoryBound(to: CInt.self), O_CLOEXEC)
    }
    guard made == 0 else { throw MountError(.system, "cannot start the server: \(String(errno: errno))") }
    let child = vitrine_fork()
    switch child {
    case -1:
      let number = errno
      close(ends.0)
      close(ends.1)
      throw MountError(.system, "cannot start the server: \(String(errno: number))")
    case 0:
      close(ends.0)
      inherited.close()
      setsid()
      // Safe: a C string.
      _ = unsafe chdir("/")
      return .server(Readiness(descriptor: ends.1))
    default:
      close(ends.1)
      defer { close(ends.0) }
      return .starter(failure: failure(from: ends.0))
    }
  }

  private static func failure(from descriptor: CInt) -> String? {
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 512)
    while bytes.count < 4096 {
      // Safe: read writes at most the array's size.
      let count = unsafe read(descriptor, &chunk, chunk.count)
      if count < 0 && errno == EINTR { continue }
      if count <= 0 { break }
      bytes += chunk.prefix(count)
      if bytes.first == Readiness.ready { return nil }
    }
    return bytes.isEmpty ? "the server ended before the mount answered" : String(decoding: bytes, as: UTF8.self)
  }
}

/// The server's end of what its starter waits for.
public struct Readiness: Sendable {
  fileprivate static let ready: UInt8 = 0
  private let descriptor: CInt

  fileprivate init(descriptor: CInt) { self.descriptor = descriptor }

  /// Lets the starter go; false where it has gone away already, and nobody wants the mount.
  public func report() -> Bool {
    defer { close(descriptor) }
    var byte = Self.ready
    // Safe: one byte, a local.
    return unsafe write(descriptor, &byte, 1) == 1
  }

  /// Tells the starter why there is no mount.
  public func fail(_ text: String) {
    let bytes = Array(text.utf8)
    // Safe: write reads the array's bytes.
    _ = unsafe bytes.withUnsafeBytes { unsafe write(descriptor, $0.baseAddress, $0.count) }
    close(descriptor)
  }

  /// Points standard input and output, and standard error unless it is kept, at nothing.
  public static func leaveTerminal(keepingStandardError keeps: Bool) {
    let nothing = unsafe open("/dev/null", O_RDWR | O_CLOEXEC)
    guard nothing >= 0 else { return }
    dup2(nothing, STDIN_FILENO)
    dup2(nothing, STDOUT_FILENO)
    if !keeps { dup2(nothing, STDERR_FILENO) }
    if nothing > STDERR_FILENO { close(nothing) }
  }
}
