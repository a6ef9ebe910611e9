internal import Glibc

/// The service manager that started this process and wants to know how it is, as sd_notify(3) specifies: a datagram of
/// `NAME=value` lines to the socket that $NOTIFY_SOCKET names. Nothing comes back, and nothing depends on it.
public struct ServiceManager: Sendable {
  /// As in a `sockaddr_un`: a path, or a name behind a NUL.
  private let name: [UInt8]

  /// Takes the socket out of the environment, so that programs started by this one do not speak in its name; nil where
  /// nobody wants to know. Only for a process with one thread.
  public static func takeFromEnvironment() -> ServiceManager? {
    // Safe: the string is copied at once.
    guard let value = unsafe getenv("NOTIFY_SOCKET") else { return nil }
    let manager = ServiceManager(address: unsafe String(cString: value))
    unsafe unsetenv("NOTIFY_SOCKET")
    return manager
  }

  /// nil for what is neither a path nor `@` and a name, and for what is too long.
  init?(address: String) {
    var name = Array(address.utf8)
    guard name.count > 1, name.count < 108 else { return nil }
    switch name[0] {
    case UInt8(ascii: "/"): break
    case UInt8(ascii: "@"): name[0] = 0
    default: return nil
    }
    self.name = name
  }

  /// Says why there is nothing to be served.
  public func failed(_ text: String) { tell(["STATUS=\(text)"]) }

  /// Says `assignments`, such as "READY=1".
  func tell(_ assignments: [String]) {
    let descriptor = socket(AF_UNIX, CInt(SOCK_DGRAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    // One assignment a line, whatever is in a path.
    let lines = assignments.map { $0.split(separator: "\n", omittingEmptySubsequences: false).joined(separator: " ") }
    let message = Array(lines.joined(separator: "\n").utf8)
    _ = unsafe SocketAddress.with(name) { address, size in
      // Safe: sendto reads the array's bytes, and the address of the size that goes with it.
      unsafe message.withUnsafeBytes {
        CInt(
          truncatingIfNeeded: unsafe sendto(
            descriptor, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL), address, size))
      }
    }
  }
}

enum SocketAddress {
  /// Runs `body` with the address of a local socket: `name` is a path, or begins with NUL.
  /// - Returns: what `body` does, and -1 for a name that is too long.
  static func with(_ name: [UInt8], _ body: (UnsafePointer<sockaddr>, socklen_t) -> CInt) -> CInt {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    // Safe: what is written lies within the address, and the length says how much of it counts.
    return unsafe withUnsafeMutableBytes(of: &address) { bytes in
      let start = MemoryLayout.offset(of: \sockaddr_un.sun_path) ?? 2
      guard start + name.count <= bytes.count, let base = bytes.baseAddress else { return -1 }
      for (index, byte) in name.enumerated() { unsafe bytes[start + index] = byte }
      return unsafe body(base.assumingMemoryBound(to: sockaddr.self), socklen_t(start + name.count))
    }
  }
}
