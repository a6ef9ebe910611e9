internal import BlockDevices
internal import CLinux
internal import Glibc

/// Threads that work on several things at a time, whose results come out in the order in which the things went in.
// Safe: what is shared is touched under the lock only, which lives as long as the object; threads hold the object.
@safe public final class OrderedPool<Input: Sendable, Output: Sendable>: @unchecked Sendable {
  private let lock: UnsafeMutablePointer<pthread_mutex_t>
  /// There is something to be done, or nothing more.
  private let filled: UnsafeMutablePointer<pthread_cond_t>
  /// The result that is next in order is there, or a thread has ended.
  private let finished: UnsafeMutablePointer<pthread_cond_t>
  private let work: @Sendable (Input) -> Output
  private let threads: Int
  private var started = 0
  private var running = 0
  private var waiting: [(number: Int, input: Input)] = []
  private var results: [Int: Output] = [:]
  private var added = 0
  private var taken = 0
  private var isClosed = false

  /// - Parameter threads: 1 and more; they are started as they are needed, and end with `close`.
  public init(threads: Int, _ work: @escaping @Sendable (Input) -> Output) {
    self.threads = threads
    self.work = work
    // Safe: allocated and initialized here, and taken down in `deinit` alone.
    unsafe lock = .allocate(capacity: 1)
    unsafe filled = .allocate(capacity: 1)
    unsafe finished = .allocate(capacity: 1)
    unsafe pthread_mutex_init(lock, nil)
    unsafe pthread_cond_init(filled, nil)
    unsafe pthread_cond_init(finished, nil)
  }

  deinit {
    // Safe: nobody else has the object, so nobody is in a call with these.
    unsafe pthread_mutex_destroy(lock)
    unsafe pthread_cond_destroy(filled)
    unsafe pthread_cond_destroy(finished)
    unsafe lock.deallocate()
    unsafe filled.deallocate()
    unsafe finished.deallocate()
  }

  /// Things that went in and have not come out.
  public var count: Int { added - taken }

  /// For one thread to call, as the others are.
  public func add(_ input: Input) {
    // Safe, here and below: the lock and the conditions are initialized.
    unsafe pthread_mutex_lock(lock)
    waiting.append((added, input))
    added += 1
    let needsThread = started < threads
    unsafe pthread_cond_signal(filled)
    unsafe pthread_mutex_unlock(lock)
    if needsThread, Thread.start({ [self] in serve() }) { started += 1 }
  }

  /// The result that is next in order; nil where nothing is to come.
  /// - Parameter whileWaiting: called ten times a second.
  public func next(whileWaiting: () -> Void = {}) -> Output? {
    guard count > 0 else { return nil }
    // Where the system gives no thread, whoever waits does the work.
    if started == 0, !waiting.isEmpty {
      taken += 1
      return work(waiting.removeFirst().input)
    }
    while true {
      if let result = takeResult() { return result }
      whileWaiting()
    }
  }

  /// nil where it is not there soon.
  private func takeResult() -> Output? {
    unsafe pthread_mutex_lock(lock)
    defer { unsafe pthread_mutex_unlock(lock) }
    if results[taken] == nil {
      var time = timespec()
      // Safe: the calls fill and read a `timespec`.
      unsafe clock_gettime(CLOCK_REALTIME, &time)
      time.tv_nsec += 100_000_000
      if time.tv_nsec >= 1_000_000_000 {
        time.tv_sec += 1
        time.tv_nsec -= 1_000_000_000
      }
      while results[taken] == nil, unsafe pthread_cond_timedwait(finished, lock, &time) == 0 {}
    }
    guard let result = results.removeValue(forKey: taken) else { return nil }
    taken += 1
    return result
  }

  /// Lets the threads end when they have done what they are at; results that nobody has taken are gone.
  /// - Parameter waits: until they have done that.
  public func close(waits: Bool = false) {
    unsafe pthread_mutex_lock(lock)
    isClosed = true
    waiting.removeAll()
    unsafe pthread_cond_broadcast(filled)
    while waits && running > 0 { unsafe pthread_cond_wait(finished, lock) }
    let left = results
    results.removeAll()
    taken = added
    unsafe pthread_mutex_unlock(lock)
    withExtendedLifetime(left) {}
  }

  private func serve() {
    while let (number, input) = take() {
      var result: Output? = work(input)
      unsafe pthread_mutex_lock(lock)
      if isClosed {
        // Gone before anybody is told that the work has ended.
        unsafe pthread_mutex_unlock(lock)
        result = nil
        unsafe pthread_mutex_lock(lock)
      } else {
        results[number] = result
      }
      running -= 1
      if number == taken || isClosed { unsafe pthread_cond_signal(finished) }
      unsafe pthread_mutex_unlock(lock)
    }
  }

  private func take() -> (number: Int, input: Input)? {
    unsafe pthread_mutex_lock(lock)
    defer { unsafe pthread_mutex_unlock(lock) }
    while waiting.isEmpty && !isClosed { unsafe pthread_cond_wait(filled, lock) }
    guard !isClosed, !waiting.isEmpty else { return nil }
    running += 1
    return waiting.removeFirst()
  }
}
