internal import BlockDevices
internal import CFuse
internal import Glibc
internal import Synchronization

/// Takes requests from the kernel and has them answered, by several threads.
///
/// Mostly all threads wait for requests, and the kernel wakes them in turn. But to wake a thread takes longer than most
/// answers do, above all in a virtual machine. While requests come one at a time and close together, as from who walks
/// through a tree, one thread therefore answers *alone*: before it sleeps it looks out for the next request for a moment,
/// and no other thread is woken in vain. It stays alone as long as that pays, and nobody has to wait for it.
// Safe: libfuse's session lives longer than its loop; all else is shared by atomics and monitors.
@safe final class RequestLoop: Sendable {
  private struct Crew: Sendable {
    var threads: [pthread_t] = []
    /// The last one alone whom one of those who are set aside looks after.
    var watched = 0
    var status: CInt = 0
  }

  /// libfuse's session.
  private let address: UInt
  private let descriptor: CInt
  private let crew = Monitor(Crew())
  /// Who answers alone, as a number that nobody else had before; 0 for nobody.
  private let alone = Atomic<Int>(0)
  private let turns = Atomic<Int>(0)
  /// Since when who is alone is at a request, in nanoseconds; 0 while there is none.
  private let busySince = Atomic<Int>(0)
  /// Threads that are at a request.
  private let busy = Atomic<Int>(0)
  /// When the last request was answered, in nanoseconds.
  private let lastAnswer = Atomic<Int>(0)
  /// Requests in a row that came alone, and close to the one before.
  private let closeRequests = Atomic<Int>(0)

  /// How long to look out for a request before sleeping, in nanoseconds: about what sleeping and waking up cost.
  private static let lookout = 150_000
  /// After so many close requests one thread answers alone.
  private static let needed = 16
  /// A request that takes longer is one that others should not wait for, in nanoseconds.
  private static let longest = 400_000
  /// Requests in a row that wait already when the one before is answered: there is work for several threads.
  private static let queued = 6

  /// Interrupts the wait for requests. Nothing else uses it, and without a handler it is ignored.
  private static let interrupting = SIGURG

  private let counters: Counters

  /// - Parameter session: libfuse's; valid until `run` has returned.
  @unsafe init(_ session: OpaquePointer, _ counters: Counters) {
    self.counters = counters
    address = UInt(bitPattern: session)
    // Safe: the session is valid.
    descriptor = unsafe fuse_session_fd(session)
  }

  /// Answers until the session has ended.
  /// - Parameter threads: 1 and more, this one among them.
  /// - Returns: 0, or the negative error that has ended it.
  func run(threads: Int) -> CInt {
    _ = vitrine_make_interrupting(Self.interrupting)
    for _ in 1..<max(threads, 1) {
      guard Thread.start({ self.serve() }) else { break }
    }
    serve()
    // The others are at a request, or do not know yet.
    while crew.wait(atMost: 2, for: { $0.threads.isEmpty ? true : nil }) == nil { stop() }
    return crew.withLock { $0.status }
  }

  /// Ends the loop. To be called again until it has ended: a thread may be just about to wait.
  func stop() {
    // Safe: the session is valid, and the flag is what libfuse's own signal handlers set.
    unsafe fuse_session_exit(session)
    crew.tellAll()
    interrupt()
  }

  private var session: OpaquePointer { unsafe OpaquePointer(bitPattern: address)! }
  private var isOver: Bool { unsafe fuse_session_exited(session) != 0 }

  /// Wakes those who wait for a request.
  private func interrupt() {
    crew.withLock { crew in
      for thread in crew.threads where pthread_equal(thread, pthread_self()) == 0 {
        pthread_kill(thread, Self.interrupting)
      }
    }
  }

  private static var now: Int {
    var time = timespec()
    // Safe: the call fills a `timespec`.
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return time.tv_sec * 1_000_000_000 + time.tv_nsec
  }
}

/// What a thread does.
extension RequestLoop {
  private func serve() {
    SignalSet([Self.interrupting]).change(SIG_UNBLOCK)
    let this = pthread_self()
    crew.withLock { $0.threads.append(this) }
    var buffer = unsafe fuse_buf()
    while !isOver {
      if alone.load(ordering: .relaxed) != 0 {
        stepAside()
      } else if unsafe receive(&buffer) {
        unsafe answer(&buffer)
      }
    }
    // Safe: libfuse allocates it so, for whoever passes the buffer.
    unsafe free(buffer.mem)
    crew.withLock { crew in crew.threads.removeAll { pthread_equal($0, this) != 0 } }
    crew.tellAll()
    interrupt()
  }

  /// Waits for a request; false where there is none, for now or for ever.
  private func receive(_ buffer: inout fuse_buf) -> Bool {
    let result = unsafe fuse_session_receive_buf(session, &buffer)
    if result > 0 { return true }
    if result != -EINTR && result != -EAGAIN {
      if result < 0 { crew.withLock { $0.status = result } }
      unsafe fuse_session_exit(session)
    }
    return false
  }

  /// Answers as one of several, and looks for whether one would do.
  private func answer(_ buffer: inout fuse_buf) {
    let isSingle = busy.wrappingAdd(1, ordering: .relaxed).oldValue == 0
    let isClose = Self.now - lastAnswer.load(ordering: .relaxed) < Self.lookout
    var close = 0
    if isSingle && isClose {
      close = closeRequests.wrappingAdd(1, ordering: .relaxed).newValue
    } else {
      closeRequests.store(0, ordering: .relaxed)
    }
    unsafe fuse_session_process_buf(session, &buffer)
    lastAnswer.store(Self.now, ordering: .relaxed)
    busy.wrappingSubtract(1, ordering: .relaxed)
    guard close >= Self.needed, Self.canBeAlone, crew.withLock({ $0.threads.count > 1 }) else { return }
    let turn = turns.wrappingAdd(1, ordering: .relaxed).newValue
    guard alone.compareExchange(expected: 0, desired: turn, ordering: .relaxed).exchanged else { return }
    unsafe answerAlone(&buffer, turn)
    endAlone(turn)
  }

  /// Who looks out takes a core.
  private static let canBeAlone = sysconf(CInt(_SC_NPROCESSORS_ONLN)) > 1
}

/// Answering alone.
extension RequestLoop {
  private func answerAlone(_ buffer: inout fuse_buf, _ turn: Int) {
    // They are to step aside. One that waits in spite of it takes a request some time, and then steps aside.
    interrupt()
    var queued = 0
    var credit = 8
    while !isOver && alone.load(ordering: .relaxed) == turn {
      switch lookOut() {
      case .waiting:
        queued += 1
        if queued >= Self.queued { return }
      case .came:
        queued = 0
        credit = min(credit + 1, 8)
      case .none:
        queued = 0
        credit -= 4
        if credit <= 0 { return }
      }
      // Safe: the buffer is this thread's, and libfuse's session lives longer than its loop.
      guard unsafe receive(&buffer) else { continue }
      counters.add(to: .alone)
      let start = Self.now
      busySince.store(start, ordering: .relaxed)
      unsafe fuse_session_process_buf(session, &buffer)
      busySince.store(0, ordering: .relaxed)
      if Self.now - start > Self.longest { return }
    }
  }

  private enum Lookout { case waiting, came, none }

  private func lookOut() -> Lookout {
    var wanted = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    // Safe: poll is told of one structure.
    if unsafe poll(&wanted, 1, 0) != 0 { return .waiting }
    let start = Self.now
    while Self.now - start < Self.lookout {
      // Who asks may need this core.
      sched_yield()
      if unsafe poll(&wanted, 1, 0) != 0 { return .came }
    }
    return .none
  }

  private func endAlone(_ turn: Int) {
    // Under the lock: whoever is just about to wait for this would miss it.
    let hasEnded = crew.withLock { _ in
      alone.compareExchange(expected: turn, desired: 0, ordering: .relaxed).exchanged
    }
    guard hasEnded else { return }
    closeRequests.store(0, ordering: .relaxed)
    crew.tellAll()
  }

  /// Waits until several are to answer. One of those who wait sees to it that nobody waits long for who is alone.
  private func stepAside() {
    let turn = alone.load(ordering: .relaxed)
    guard turn != 0 else { return }
    let isWatch = crew.withLock { crew in
      defer { crew.watched = turn }
      return crew.watched != turn
    }
    var idle = 0
    while crew.wait(
      atMost: isWatch ? 1 : nil,
      for: { [self] _ in isOver || alone.load(ordering: .relaxed) != turn ? true : nil }) == nil
    {
      let since = busySince.load(ordering: .relaxed)
      idle = since == 0 ? idle + 1 : 0
      // It is at something that takes long, or nobody asks for anything.
      if idle >= 20 || since != 0 && Self.now - since > 1_000_000 { endAlone(turn) }
    }
  }
}
