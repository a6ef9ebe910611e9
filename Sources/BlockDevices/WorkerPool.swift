internal import Glibc

/// Threads that do small pieces of work in the order they came in. They start with the first piece, so that a process
/// can still fork before, and end when the pool goes.
final class WorkerPool: Sendable {
  private let threads: Int
  private let queue = WorkQueue()

  /// - Parameter threads: 0 for a pool that does nothing.
  init(threads: Int) { self.threads = min(max(threads, 0), 64) }

  deinit { queue.close() }

  /// Whether nothing is ever done.
  var isIdle: Bool { threads == 0 }

  /// Has `work` done by one of the threads; false where too much waits already, or there are no threads.
  @discardableResult
  func add(_ work: @escaping @Sendable () -> Void) -> Bool {
    guard threads > 0 else { return false }
    switch queue.add(work, workers: threads) {
    case .refused: return false
    case .added: return true
    case .addedForNewWorker:
      let queue = self.queue
      if !Thread.start({ queue.work() }) { queue.workerEnded() }
      return true
    }
  }
}

/// What waits to be done, and who waits to do it.
// Safe: everything in it is touched under its lock only, which lives as long as the object does.
@safe private final class WorkQueue: @unchecked Sendable {
  enum Answer { case refused, added, addedForNewWorker }

  /// More than this waiting is of no use: it would be done too late.
  private static let limit = 512

  private let lock: UnsafeMutablePointer<pthread_mutex_t>
  private let filled: UnsafeMutablePointer<pthread_cond_t>
  private var waiting: [@Sendable () -> Void] = []
  /// Index of the first of `waiting` that is not taken yet.
  private var first = 0
  private var workers = 0
  private var idleWorkers = 0
  private var isClosed = false

  init() {
    // Safe: allocated and initialized here, and taken down in `deinit` alone.
    unsafe lock = .allocate(capacity: 1)
    unsafe filled = .allocate(capacity: 1)
    unsafe pthread_mutex_init(lock, nil)
    unsafe pthread_cond_init(filled, nil)
  }

  deinit {
    // Safe: nobody else has the object, so nobody is in a call with these.
    unsafe pthread_mutex_destroy(lock)
    unsafe pthread_cond_destroy(filled)
    unsafe lock.deallocate()
    unsafe filled.deallocate()
  }

  func add(_ work: @escaping @Sendable () -> Void, workers limit: Int) -> Answer {
    // Safe, here and below: the lock and the condition are initialized.
    unsafe pthread_mutex_lock(lock)
    defer { unsafe pthread_mutex_unlock(lock) }
    guard !isClosed, waiting.count - first < Self.limit else { return .refused }
    waiting.append(work)
    if idleWorkers == 0 && workers < limit {
      workers += 1
      return .addedForNewWorker
    }
    unsafe pthread_cond_signal(filled)
    return .added
  }

  /// What a worker does, until the queue is closed.
  func work() {
    while let piece = take() { piece() }
  }

  func workerEnded() {
    unsafe pthread_mutex_lock(lock)
    workers -= 1
    unsafe pthread_mutex_unlock(lock)
  }

  func close() {
    unsafe pthread_mutex_lock(lock)
    isClosed = true
    waiting.removeAll()
    first = 0
    unsafe pthread_cond_broadcast(filled)
    unsafe pthread_mutex_unlock(lock)
  }

  private func take() -> (@Sendable () -> Void)? {
    unsafe pthread_mutex_lock(lock)
    defer { unsafe pthread_mutex_unlock(lock) }
    while first == waiting.count && !isClosed {
      idleWorkers += 1
      unsafe pthread_cond_wait(filled, lock)
      idleWorkers -= 1
    }
    guard !isClosed else { return nil }
    let piece = waiting[first]
    first += 1
    if first == waiting.count {
      waiting.removeAll(keepingCapacity: true)
      first = 0
    } else if first >= Self.limit {
      waiting.removeFirst(first)
      first = 0
    }
    return piece
  }
}
