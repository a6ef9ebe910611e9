internal import CFuse
internal import Glibc

/// A descriptor that this process was started with, on which somebody waits for the mount: a newline comes when it
/// answers, and the end of the file either way.
public struct ReadyDescriptor: Sendable {
  /// The descriptor as it was given.
  let number: CInt

  /// - Throws: where there is no such descriptor.
  public init(_ number: Int) throws(MountError) {
    guard let descriptor = CInt(exactly: number), fcntl(descriptor, F_GETFD) >= 0 else {
      throw MountError(.notMounted, "there is no file descriptor \(number) to say on that the mount is ready")
    }
    self.number = descriptor
    // No program that this one starts may hold it open.
    if descriptor > STDERR_FILENO { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
  }

  /// Says that the mount answers, and closes.
  func report() {
    var newline = UInt8(ascii: "\n")
    // Safe: one byte, a local. Who has stopped waiting needs not be told.
    while unsafe write(number, &newline, 1) < 0 && errno == EINTR {}
    if number > STDERR_FILENO {
      close(number)
      return
    }
    // Safe: a C string. The standard three stay open, or other files would come to have their numbers.
    let nothing = unsafe open("/dev/null", O_RDWR | O_CLOEXEC)
    guard nothing >= 0 else { return }
    dup2(nothing, number)
    close(nothing)
  }
}
