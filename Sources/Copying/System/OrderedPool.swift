internal import BlockDevices

/// Threads that work on several things at a time, whose results come out in the order in which the things went in.
///
/// One thread gives and takes; the pool's own threads are started as they are needed, and end with `close`.
public final class OrderedPool<Input: Sendable, Output: Sendable> {
  private let shared: SharedWork<Input, Output>
  private let threads: Int
  private var started = 0
  private var added = 0
  private var taken = 0

  /// - Parameter threads: 1 and more.
  public init(threads: Int, _ work: @escaping @Sendable (Input) -> Output) {
    self.threads = threads
    shared = SharedWork(work)
  }

  deinit { close() }

  /// Things that went in and have not come out.
  public var count: Int { added - taken }

  public func add(_ input: Input) {
    shared.add(input, number: added)
    added += 1
    let shared = self.shared
    if started < threads, Thread.start({ shared.serve() }) { started += 1 }
  }

  /// The result that is next in order; nil where nothing is to come.
  /// - Parameter whileWaiting: called ten times a second.
  public func next(whileWaiting: () -> Void = {}) -> Output? {
    guard count > 0 else { return nil }
    // Where the system gives no thread, whoever waits does the work.
    if started == 0 { shared.serveOnce() }
    while true {
      if let result = shared.result(taken) {
        taken += 1
        return result
      }
      whileWaiting()
    }
  }

  /// Lets the threads end when they have done what they are at; results that were not taken are gone.
  /// - Parameter waits: until they have done that.
  public func close(waits: Bool = false) {
    shared.close(waits: waits)
    taken = added
  }
}

/// What goes in and what comes out, which the threads share with the one who gives and takes.
private final class SharedWork<Input: Sendable, Output: Sendable>: Sendable {
  private struct State: Sendable {
    var waiting: [(number: Int, input: Input)] = []
    var results: [Int: Output] = [:]
    /// The result that is next to be taken.
    var next = 0
    /// Threads that are at something.
    var running = 0
    var isClosed = false
  }

  private let state = Monitor(State())
  private let work: @Sendable (Input) -> Output

  init(_ work: @escaping @Sendable (Input) -> Output) { self.work = work }

  func add(_ input: Input, number: Int) {
    state.withLock { $0.waiting.append((number, input)) }
    // Nobody waits for a result while he gives.
    state.tellOne()
  }

  /// nil where it is not there soon.
  func result(_ number: Int) -> Output? {
    state.wait(atMost: 100) { state in
      state.next = number
      return state.results.removeValue(forKey: number)
    }
  }

  func close(waits: Bool) {
    let left = state.withLock { state in
      state.isClosed = true
      state.waiting.removeAll()
      defer { state.results.removeAll() }
      return state.results
    }
    state.tellAll()
    withExtendedLifetime(left) {}
    if waits { _ = state.wait { $0.running == 0 ? true : nil } }
  }

  /// What a thread does until the work is closed.
  func serve() {
    while let (number, input) = take() { finish(number, work(input)) }
  }

  /// Does what waits first.
  func serveOnce() {
    let first = state.withLock { state in
      state.running += 1
      return state.waiting.removeFirst()
    }
    finish(first.number, work(first.input))
  }

  private func take() -> (number: Int, input: Input)? {
    state.wait { state -> (number: Int, input: Input)?? in
      if state.isClosed { return .some(nil) }
      guard !state.waiting.isEmpty else { return nil }
      state.running += 1
      return state.waiting.removeFirst()
    } ?? nil
  }

  /// A result that nobody wants any more is gone before anybody is told that the work has ended.
  private func finish(_ number: Int, _ result: consuming Output) {
    var result: Output? = result
    state.withLock { state in
      if !state.isClosed { state.results[number] = result }
    }
    result = nil
    let isAwaited = state.withLock { state in
      state.running -= 1
      return state.isClosed || number == state.next
    }
    if isAwaited { state.tellAll() }
  }
}
