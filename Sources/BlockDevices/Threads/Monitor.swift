internal import Glibc

/// State that several threads share, and whose changes they wait for.
// Safe: the state is touched under the lock only, which lives as long as the object does.
@safe public final class Monitor<State: Sendable>: @unchecked Sendable {
  private let lock: UnsafeMutablePointer<pthread_mutex_t>
  private let changed: UnsafeMutablePointer<pthread_cond_t>
  private var state: State

  public init(_ state: State) {
    self.state = state
    // Safe: allocated and initialized here, and taken down in `deinit` alone.
    unsafe lock = .allocate(capacity: 1)
    unsafe changed = .allocate(capacity: 1)
    unsafe pthread_mutex_init(lock, nil)
    unsafe pthread_cond_init(changed, nil)
  }

  deinit {
    // Safe: nobody else has the object, so nobody is in a call with these.
    unsafe pthread_mutex_destroy(lock)
    unsafe pthread_cond_destroy(changed)
    unsafe lock.deallocate()
    unsafe changed.deallocate()
  }

  // Safe, here and below: the lock and the condition are initialized.
  public func withLock<R>(_ body: (inout State) -> R) -> R {
    unsafe pthread_mutex_lock(lock)
    defer { unsafe pthread_mutex_unlock(lock) }
    return body(&state)
  }

  /// Asks `body`, and again after each change that is told, until it has an answer.
  /// - Parameter milliseconds: the longest wait; nil for any.
  /// - Returns: nil where that time has passed.
  public func wait<R>(atMost milliseconds: Int? = nil, for body: (inout State) -> R?) -> R? {
    // Safe: the lock and the condition are initialized, and the deadline is a local.
    unsafe pthread_mutex_lock(lock)
    defer { unsafe pthread_mutex_unlock(lock) }
    if let answer = body(&state) { return answer }
    var deadline = timespec()
    if let milliseconds {
      // The clock that pthread_cond_timedwait(3) goes by.
      unsafe clock_gettime(CLOCK_REALTIME, &deadline)
      let nanoseconds = deadline.tv_nsec + milliseconds % 1000 * 1_000_000
      deadline.tv_sec += milliseconds / 1000 + nanoseconds / 1_000_000_000
      deadline.tv_nsec = nanoseconds % 1_000_000_000
    }
    while true {
      let isLate =
        milliseconds != nil
        ? unsafe pthread_cond_timedwait(changed, lock, &deadline) != 0 : unsafe pthread_cond_wait(changed, lock) != 0
      if let answer = body(&state) { return answer }
      if isLate { return nil }
    }
  }

  // Safe, here and below: the condition is initialized.
  /// Tells one of those who wait that something has changed.
  public func tellOne() { unsafe pthread_cond_signal(changed) }

  /// Tells all of those who wait.
  public func tellAll() { unsafe pthread_cond_broadcast(changed) }
}
