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
private final class WorkQueue: Sendable {
  enum Answer { case refused, added, addedForNewWorker }

  /// More than this waiting is of no use: it would be done too late.
  private static let limit = 512

  private struct State: Sendable {
    var waiting: [@Sendable () -> Void] = []
    /// Index of the first of `waiting` that is not taken yet.
    var first = 0
    var workers = 0
    var idleWorkers = 0
    var isClosed = false
  }

  private let state = Monitor(State())

  func add(_ work: @escaping @Sendable () -> Void, workers limit: Int) -> Answer {
    let answer: Answer = state.withLock { state in
      guard !state.isClosed, state.waiting.count - state.first < Self.limit else { return .refused }
      state.waiting.append(work)
      guard state.idleWorkers == 0 && state.workers < limit else { return .added }
      state.workers += 1
      return .addedForNewWorker
    }
    if answer == .added { state.tellOne() }
    return answer
  }

  /// What a worker does, until the queue is closed.
  func work() {
    while let piece = take() { piece() }
  }

  func workerEnded() { state.withLock { $0.workers -= 1 } }

  func close() {
    state.withLock { state in
      state.isClosed = true
      state.waiting.removeAll()
      state.first = 0
    }
    state.tellAll()
  }

  /// nil once the queue is closed.
  private func take() -> (@Sendable () -> Void)? {
    var isIdle = false
    return state.wait { state -> (@Sendable () -> Void)?? in
      if state.isClosed { return .some(nil) }
      guard state.first < state.waiting.count else {
        if !isIdle { state.idleWorkers += 1 }
        isIdle = true
        return nil
      }
      if isIdle { state.idleWorkers -= 1 }
      let piece = state.waiting[state.first]
      state.first += 1
      if state.first == state.waiting.count {
        state.waiting.removeAll(keepingCapacity: true)
        state.first = 0
      } else if state.first >= Self.limit {
        state.waiting.removeFirst(state.first)
        state.first = 0
      }
      return piece
    } ?? nil
  }
}
