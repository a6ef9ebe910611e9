internal import Bytes
internal import CFuse
internal import Glibc

/// What a program finds as it starts, as this process found it: what was changed since is for this process alone.
struct CommandEnvironment {
  private let blocked: SignalSet
  private let ignoresBrokenPipes: Bool

  /// Looks what there is; to be called before anything is changed.
  init() {
    blocked = SignalSet([]).change(SIG_BLOCK)
    ignoresBrokenPipes = vitrine_is_ignored(SIGPIPE) != 0
  }

  /// Starts a program, found by $PATH, as a child of this process and in its process group.
  ///
  /// Where it cannot be run, the child says so, and ends with 127 where there is no such program, and else 126, as
  /// env(1) does.
  /// - Parameters:
  ///   - command: its words, as `RawArguments` has them, of which there is one at least.
  ///   - mount: becomes $VITRINE_MOUNT.
  ///   - entering: starts it there, and not where this process stands.
  /// - Returns: the child; nil where there is none, and errno says why.
  func start(_ command: [String], mount: String, entering: Bool, message: (String) -> Void) -> pid_t? {
    let parent = getpid()
    let child = vitrine_fork()
    guard child == 0 else { return child < 0 ? nil : child }
    // The program is asked to end where this process is killed.
    _ = vitrine_end_with_parent(SIGTERM)
    if getppid() != parent { _exit(128 + SIGTERM) }
    // Safe: C strings.
    unsafe setenv("VITRINE_MOUNT", mount, 1)
    if entering, unsafe chdir(mount) != 0 {
      message("cannot enter \(mount): \(String(errno: errno))")
      _exit(126)
    }
    HostEnvironment.restoreFileLimit()
    signal(SIGPIPE, ignoresBrokenPipes ? SIG_IGN : SIG_DFL)
    // Safe: the strings live until the program starts; a nil ends the list.
    let words = command.map { RawArguments.bytes(of: $0) }
    let pointers = unsafe words.map { word in unsafe strdup(word.map(CChar.init(bitPattern:)) + [0]) } + [nil]
    blocked.change(SIG_SETMASK)
    // Safe: there is at least one word.
    if let name = unsafe pointers[0] { unsafe execvp(name, pointers) }
    let number = errno
    message("cannot run \(Escaped.text(words.first ?? [])): \(String(errno: number))")
    _exit(number == ENOENT ? 127 : 126)
  }
}
