internal import BlockDevices
internal import Glibc

/// Threads that work on several things at a time, whose results come out in the order in which the things went in.
// Safe: what is shared is touched under the lock only, which lives as long as the object; threads hold the object.
@safe public final class OrderedPool<Input: Sendable, Output: Sendable>: @unchecked Sendable {
  private let lock: UnsafeMutablePointer<pthread_mutex_t>
  private let changed: UnsafeMutablePointer<pthread_cond_t>
  private let work: @Sendable (Input) -> Output
  private let threads: Int
  private var started = 0
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

  /// Things that went in and have not come out.
  public var count: Int { added - taken }

  /// For one thread to call, as `next` is.
  public func add(_ input: Input) {
    // Safe, here and below: the lock and the condition are initialized.
    unsafe pthread_mutex_lock(lock)
    waiting.append((added, input))
    added += 1
    let needsThread = started < threads
    unsafe pthread_cond_broadcast(changed)
    unsafe pthread_mutex_unlock(lock)
    if needsThread, Thread.start({ [self] in serve() }) { started += 1 }
  }

  /// The result that is next in order; nil where nothing is to come.
  public func next() -> Output? {
    guard count > 0 else { return nil }
    // Where the system gives no thread, whoever waits does the work.
    if started == 0, !waiting.isEmpty {
      taken += 1
      return work(waiting.removeFirst().input)
    }
    unsafe pthread_mutex_lock(lock)
    defer { unsafe pthread_mutex_unlock(lock) }
    while true {
      if let result = results.removeValue(forKey: taken) {
        taken += 1
        return result
      }
      unsafe pthread_cond_wait(changed, lock)
    }
  }

  /// Lets the threads end when they have done what they are at.
  public func close() {
    unsafe pthread_mutex_lock(lock)
    isClosed = true
    waiting.removeAll()
    unsafe pthread_cond_broadcast(changed)
    unsafe pthread_mutex_unlock(lock)
  }

  private func serve() {
    while let (number, input) = take() {
      let result = work(input)
      unsafe pthread_mutex_lock(lock)
      results[number] = result
      unsafe pthread_cond_broadcast(changed)
      unsafe pthread_mutex_unlock(lock)
    }
  }

  private func take() -> (number: Int, input: Input)? {
    unsafe pthread_mutex_lock(lock)
    defer { unsafe pthread_mutex_unlock(lock) }
    while waiting.isEmpty && !isClosed { unsafe pthread_cond_wait(changed, lock) }
    return isClosed || waiting.isEmpty ? nil : waiting.removeFirst()
  }
}
