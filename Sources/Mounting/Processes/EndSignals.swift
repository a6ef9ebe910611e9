internal import CFuse
internal import Glibc

/// The signals that ask a program to end, held back while something is half made that nobody else would take away.
public enum EndSignals {
  /// Those that this process was not started to ignore, as nohup(1) has it.
  static var all: [CInt] { [SIGHUP, SIGINT, SIGTERM].filter { vitrine_is_ignored($0) == 0 } }

  /// Holds them back. And from here on a closed pipe is an error of whoever writes to it, not the end of the process.
  public static func hold() {
    signal(SIGPIPE, SIG_IGN)
    SignalSet(all).change(SIG_BLOCK)
  }

  /// Lets them in, those that came meanwhile, too: a program started from a thread that blocks them inherits that.
  static func letIn() { SignalSet([SIGHUP, SIGINT, SIGTERM]).change(SIG_UNBLOCK) }

  /// Ends this process as the signal would have.
  public static func end(by number: Int32) -> Never {
    signal(number, SIG_DFL)
    SignalSet([number]).change(SIG_UNBLOCK)
    raise(number)
    _exit(128 + number)
  }
}

/// Signals, as the system takes them.
struct SignalSet {
  private(set) var signals = sigset_t()

  init(_ numbers: [CInt]) {
    // Safe, here and below: the sets are locals or this structure's own.
    unsafe sigemptyset(&signals)
    for number in numbers { unsafe sigaddset(&signals, number) }
  }

  /// Every signal there is.
  static var all: SignalSet {
    var set = SignalSet([])
    unsafe sigfillset(&set.signals)
    return set
  }

  /// Changes what this thread blocks, as pthread_sigmask(3) has it.
  /// - Returns: what was blocked before.
  @discardableResult func change(_ how: CInt) -> SignalSet {
    var before = SignalSet([])
    var signals = signals
    unsafe pthread_sigmask(how, &signals, &before.signals)
    return before
  }
}

/// Signals that are blocked, taken one by one beside other things that are waited for (signalfd(2)).
struct SignalQueue {
  struct Arrival {
    let signal: CInt
    /// Whether a process sent it, and not the system: a terminal's goes to every process in the foreground.
    let isSent: Bool
  }

  let descriptor: CInt

  /// nil where the system has no descriptor left. The signals have to be blocked already.
  init?(_ numbers: [CInt]) {
    var signals = SignalSet(numbers).signals
    // Safe: the set is a local. The flags are SFD_CLOEXEC and SFD_NONBLOCK.
    descriptor = unsafe signalfd(-1, &signals, O_CLOEXEC | O_NONBLOCK)
    if descriptor < 0 { return nil }
  }

  func close() { Glibc.close(descriptor) }

  /// The next that has come; nil where none has.
  func next() -> Arrival? {
    // As `struct signalfd_siginfo` of <sys/signalfd.h>: number, errno, code, and more in 128 bytes.
    var record = [Int32](repeating: 0, count: 32)
    // Safe: read writes at most the array's size.
    let count = unsafe record.withUnsafeMutableBytes { unsafe read(descriptor, $0.baseAddress, $0.count) }
    return count == 128 ? Arrival(signal: record[0], isSent: record[2] <= 0) : nil
  }

  /// Waits until a signal has come, or one of `others` has something to read or has ended.
  func wait(beside others: [CInt] = []) {
    var polls = ([descriptor] + others).map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
    // Safe: the array's own size.
    while unsafe poll(&polls, nfds_t(polls.count), -1) < 0 && errno == EINTR {}
  }
}
