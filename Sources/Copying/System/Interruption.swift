internal import Glibc
internal import Synchronization

/// Signals that ask for an end: noted, so that what is half done can be taken away first, and obeyed then.
public enum Interruption {
  private static let noted = Atomic<CInt>(0)
  private static let signals = [SIGINT, SIGTERM, SIGHUP, SIGPIPE]

  /// Has the signals noted from now on. Those that are ignored stay so.
  public static func note() {
    // The handler must find the variable in its place.
    noted.store(0, ordering: .relaxed)
    for signal in signals {
      var action = sigaction()
      // Safe: the calls read and fill a `sigaction`; the handler touches nothing but an atomic number.
      unsafe sigaction(signal, nil, &action)
      guard !isIgnored(action) else { continue }
      action = sigaction()
      unsafe action.__sigaction_handler.sa_handler = { Interruption.noted.store($0, ordering: .relaxed) }
      unsafe sigaction(signal, &action, nil)
    }
  }

  /// Whether somebody wants an end.
  public static var isNoted: Bool { noted.load(ordering: .relaxed) != 0 }

  static func check() throws(CopyFailure) {
    if isNoted { throw .interrupted }
  }

  /// Ends the process as the signal would have done.
  public static func obey() {
    let signal = noted.load(ordering: .relaxed)
    guard signal != 0 else { return }
    var action = sigaction()
    // Safe: the call reads a `sigaction`, of which all zeros stands for what the signal does by itself.
    unsafe action.__sigaction_handler.sa_handler = SIG_DFL
    unsafe sigaction(signal, &action, nil)
    raise(signal)
  }

  private static func isIgnored(_ action: sigaction) -> Bool {
    unsafe unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == 1
  }
}
