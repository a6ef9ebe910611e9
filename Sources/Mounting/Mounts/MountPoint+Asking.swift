internal import BlockDevices
internal import CFuse
internal import Glibc
internal import Synchronization

/// Asking the kernel for what it asks the server each time: the figures of statfs(2). Attributes it keeps.
extension MountPoint {
  /// Returns once the mount answers, or is gone.
  public func waitUntilAnswering() {
    var statistics = statvfs()
    // Safe: `statistics` is a statvfs.
    while unsafe statvfs(path, &statistics) != 0 && errno == EINTR {}
  }

  /// Whether the kernel says that nobody serves the mount any more. A server that exists and does not answer is waited
  /// for no longer than a second.
  var isDead: Bool {
    let answer = Answer()
    let path = path
    let isAsking = Thread.start {
      var statistics = statvfs()
      // Safe: `statistics` is a statvfs.
      let isDead = unsafe statvfs(path, &statistics) != 0 && errno == ENOTCONN
      answer.isDead.withLock { $0 = isDead }
    }
    guard isAsking else { return false }
    for _ in 0..<200 {
      if let isDead = answer.isDead.withLock({ $0 }) { return isDead }
      usleep(5000)
    }
    return false
  }

  private final class Answer: Sendable {
    let isDead = Mutex<Bool?>(nil)
  }
}
