internal import BlockDevices
internal import CFuse
internal import Glibc
internal import Synchronization

/// How a session is ended from outside of libfuse's loop: by a signal, or by another thread.
///
/// libfuse's own signal handlers will not do. A loop that ends drops the requests that have just been read, and one of
/// them may be the session's own, which asks whether the mount answers: nothing, not even SIGKILL, ends the wait for an
/// answer to it while somebody has the connection open. And a signal that comes just before the loop waits is lost.
final class SessionEnd: Sendable {
  private enum Asking { case notYet, now, done }

  private let asking = Mutex(Asking.notYet)
  /// nil where it does not run, or no longer.
  private let running = Mutex<RequestLoop?>(nil)
  private let isAsked = Atomic(false)

  /// Runs the loop in this thread and others: a signal ends it.
  func run(_ loop: RequestLoop, threads: Int) -> CInt {
    EndSignals.hold()
    running.withLock { $0 = loop }
    let watch = startWatching()
    // Somebody may have asked before.
    if isAsked.load(ordering: .sequentiallyConsistent) { loop.stop() }
    let status = loop.run(threads: threads)
    running.withLock { $0 = nil }
    watch?.close()
    return status
  }

  /// Has a thread take the signals.
  private func startWatching() -> LifelineHolder? {
    guard let queue = SignalQueue(EndSignals.all), let (lifeline, holder) = try? Lifeline.pair() else { return nil }
    let isStarted = Thread.start {
      while true {
        queue.wait(beside: [lifeline.descriptor])
        if queue.next() != nil { self.request() }
        if lifeline.isBroken { break }
      }
      queue.close()
      lifeline.close()
    }
    if isStarted { return holder }
    queue.close()
    lifeline.close()
    holder.close()
    return nil
  }

  /// Ends the loop, soon.
  func request() {
    guard !isAsked.exchange(true, ordering: .sequentiallyConsistent) else { return }
    while asking.withLock({ $0 == .now }) { usleep(500) }
    asking.withLock { if $0 == .notYet { $0 = .done } }
    // Until it has noticed: it may be just about to wait.
    while running.withLock({ running in
      guard let running else { return false }
      running.stop()
      return true
    }) {
      usleep(2000)
    }
  }

  /// Around the session's question whether its mount answers. It must not be asked any more where false comes back.
  func beginAsking() -> Bool {
    asking.withLock { asking in
      guard asking == .notYet else { return false }
      asking = .now
      return true
    }
  }

  func endAsking() { asking.withLock { $0 = .done } }
}
