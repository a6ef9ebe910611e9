internal import CFuse
internal import Glibc

/// The server's end of a pipe that breaks when nobody wants the mount any more.
public struct Lifeline: Sendable {
  let descriptor: CInt

  /// Both ends.
  static func pair() throws(MountError) -> (Lifeline, LifelineHolder) {
    var ends: (CInt, CInt) = (-1, -1)
    // Safe: two descriptors are written, into a pair of them.
    let made = unsafe withUnsafeMutableBytes(of: &ends) {
      unsafe pipe2($0.baseAddress?.assumingMemoryBound(to: CInt.self), O_CLOEXEC)
    }
    guard made == 0 else { throw MountError(.system, "cannot start the server: \(String(errno: errno))") }
    return (Lifeline(descriptor: ends.0), LifelineHolder(descriptor: ends.1))
  }

  func close() { Glibc.close(descriptor) }

  /// Whether nobody holds the other end any more.
  var isBroken: Bool {
    var poll = pollfd(fd: descriptor, events: 0, revents: 0)
    // Safe: one pollfd, a local.
    return unsafe Glibc.poll(&poll, 1, 0) > 0
  }

  /// Returns when nobody holds the other end any more.
  func waitForEnd() {
    var byte: UInt8 = 0
    while true {
      // Safe: one byte at most is written, to a local.
      let count = unsafe read(descriptor, &byte, 1)
      if count == 0 || (count < 0 && errno != EINTR) { return }
    }
  }
}

/// The other end.
struct LifelineHolder {
  fileprivate let descriptor: CInt

  /// Ends the server.
  func close() { Glibc.close(descriptor) }
}
