internal import BlockDevices
internal import CFuse
internal import Glibc

/// The process that serves: a fork of the one that was started.
enum ServerProcess {
  /// Makes it. Only for a process that has one thread.
  ///
  /// `serve` runs in a thread that began after the fork, with the signal mask of the one that forked. In that one, Swift's
  /// locks may go on by the number of the parent's thread, which they keep: whoever then waits for a lock that it holds,
  /// or that others hold, waits for somebody else, and maybe for ever.
  /// - Parameter serve: all that the child does.
  /// - Returns: the child.
  static func start(_ serve: @escaping () -> Never) throws(MountError) -> pid_t {
    let child = vitrine_fork()
    if child < 0 { throw MountError(.system, "cannot start the server: \(String(errno: errno))") }
    if child > 0 { return child }
    // Safe: the thread that has forked does nothing from here on but wait.
    nonisolated(unsafe) let serve = serve
    let signals = SignalSet.all.change(SIG_BLOCK)
    let isStarted = Thread.start {
      signals.change(SIG_SETMASK)
      unsafe serve()
    }
    if !isStarted {
      signals.change(SIG_SETMASK)
      unsafe serve()
    }
    while true { pause() }
  }
}
