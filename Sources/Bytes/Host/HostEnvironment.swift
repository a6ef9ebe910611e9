internal import CLinux
internal import Glibc

/// What the process was told of its surroundings. Here, and not with the command line that asks, so that the calls
/// into C stay where all such calls are.
public enum HostEnvironment {
  /// The environment variable `name`; nil where it is not set or empty.
  public static func value(of name: String) -> String? {
    // Safe: the string is copied at once, and nothing in this program changes the environment.
    guard let value = unsafe getenv(name), unsafe value.pointee != 0 else { return nil }
    return unsafe String(cString: value)
  }

  /// Whether text is UTF-8 here, by the locale's variables in the order in which setlocale(3) looks at them.
  public static var isUTF8: Bool {
    let locale = value(of: "LC_ALL") ?? value(of: "LC_CTYPE") ?? value(of: "LANG") ?? ""
    let name = locale.lowercased()
    return name.contains("utf-8") || name.contains("utf8")
  }

  /// Sees to it that the standard three are open: else the next file that is opened takes the number of one of them, and
  /// gets what is meant for it.
  public static func openStandardFiles() {
    while true {
      // The lowest number that is free: each of the three in turn. What is written to a closed output must fail, as it
      // would by itself. Safe: a C string.
      let descriptor = unsafe open("/dev/null", isClosed(STDOUT_FILENO) && !isClosed(STDIN_FILENO) ? O_RDONLY : O_RDWR)
      if descriptor > STDERR_FILENO { close(descriptor) }
      if descriptor < 0 || descriptor > STDERR_FILENO { return }
    }
  }

  private static func isClosed(_ descriptor: CInt) -> Bool { fcntl(descriptor, F_GETFD) < 0 }

  /// Lets this process open as many files as it may: a disk can lie in thousands of them, and the usual limit of 1024 is
  /// only there for programs that use select(2).
  public static func allowManyFiles() {
    guard var limit = fileLimit, limit.rlim_cur < limit.rlim_max else { return }
    limit.rlim_cur = limit.rlim_max
    // Safe: the call reads a `rlimit`.
    _ = unsafe setrlimit(openFiles, &limit)
  }

  /// Has a program that this process is about to become find the limit as this process found it.
  public static func restoreFileLimit() {
    guard var limit = fileLimit else { return }
    // Safe: as above.
    _ = unsafe setrlimit(openFiles, &limit)
  }

  private static var openFiles: __rlimit_resource_t { __rlimit_resource_t(RLIMIT_NOFILE.rawValue) }

  /// As it is when somebody first asks for it.
  private static let fileLimit: rlimit? = {
    var limit = rlimit()
    // Safe: the call fills a `rlimit`.
    return unsafe getrlimit(openFiles, &limit) == 0 ? limit : nil
  }()

  /// Cores that are to be had; at least 1.
  public static var coreCount: Int { max(sysconf(CInt(_SC_NPROCESSORS_ONLN)), 1) }

  /// Has threads share what they have freed: the C library gives each a heap of its own, up to eight times as many as
  /// there are cores, and what is free in one is no use to the others. Half as many as cores have been measured to cost
  /// no time, and to save 10 MiB of 100 where five threads answer and decode. To be called before the first thread starts,
  /// which else gets one of its own.
  public static func shareHeaps() { _ = mallopt(M_ARENA_MAX, CInt(clamping: max(coreCount / 2, 1))) }

  public static var standardOutputIsTerminal: Bool { isatty(STDOUT_FILENO) == 1 }

  public static var standardErrorIsTerminal: Bool { isatty(STDERR_FILENO) == 1 }

  /// Columns of the terminal that standard output is; nil where it is none.
  public static var terminalWidth: Int? { terminalWidth(of: STDOUT_FILENO) }

  /// Columns of the terminal that standard error is; nil where it is none.
  public static var errorTerminalWidth: Int? { terminalWidth(of: STDERR_FILENO) }

  private static func terminalWidth(of descriptor: CInt) -> Int? {
    var size = winsize()
    // Safe: TIOCGWINSZ fills a `winsize`.
    guard unsafe ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
    return Int(size.ws_col)
  }
}
