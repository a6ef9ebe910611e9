internal import CFuse
internal import Glibc

/// Standard error, caught while something runs that would write to it itself (fusermount3, in the name of libfuse).
enum CapturedStandardError {
  /// Only for the time before there is a second thread.
  static func during<R>(_ body: () -> R) -> (R, said: String) {
    var ends: (CInt, CInt) = (-1, -1)
    // Safe: two descriptors are written, into a pair of them.
    let made = unsafe withUnsafeMutableBytes(of: &ends) {
      unsafe pipe2($0.baseAddress?.assumingMemoryBound(to: CInt.self), O_CLOEXEC | O_NONBLOCK)
    }
    let saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3)
    guard made == 0, saved >= 0 else {
      if made == 0 { close(ends.0); close(ends.1) }
      if saved >= 0 { close(saved) }
      return (body(), "")
    }
    dup2(ends.1, STDERR_FILENO)
    let result = body()
    dup2(saved, STDERR_FILENO)
    close(saved)
    close(ends.1)
    defer { close(ends.0) }
    var bytes = [UInt8](repeating: 0, count: 4096)
    // Safe: read writes at most the array's size.
    let count = unsafe read(ends.0, &bytes, bytes.count)
    return (result, String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self))
  }
}

extension String {
  /// What the system calls an error.
  init(errno number: CInt) {
    // Safe: strerror gives a string that stays until the next call in this thread, and it is copied here.
    self = unsafe strerror(number).map { unsafe String(cString: $0) } ?? "error \(number)"
  }
}
