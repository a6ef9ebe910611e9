internal import CFuse
internal import Glibc

/// Runs another program and keeps what it says on standard error.
enum HelperProcess {
  /// nil where there is no such program.
  static func run(_ program: String, _ arguments: [String]) -> (status: CInt, said: String)? {
    let ((process, problem), said) = CapturedStandardError.during {
      var process = pid_t()
      // Safe: the strings live until they are freed below; a nil ends the list.
      var pointers = unsafe ([program] + arguments).map { unsafe strdup($0) } + [nil]
      defer { unsafe pointers.forEach { unsafe free($0) } }
      let problem = unsafe posix_spawnp(&process, program, nil, nil, &pointers, environ)
      var status: CInt = 0
      if problem == 0 { while unsafe waitpid(process, &status, 0) < 0 && errno == EINTR {} }
      return (status, problem)
    }
    guard problem == 0 else { return nil }
    return (process, said)
  }

  /// Runs another program, with nothing to read from or write to; for a process with several threads, too.
  /// - Returns: its status as waitpid(2) has it; nil where there is no such program.
  static func runQuietly(_ program: String, _ arguments: [String]) -> CInt? {
    var process = pid_t()
    // Safe: the actions and the strings live until they are freed below; a nil ends the list.
    var actions = unsafe posix_spawn_file_actions_t()
    unsafe posix_spawn_file_actions_init(&actions)
    defer { unsafe posix_spawn_file_actions_destroy(&actions) }
    for descriptor in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] {
      unsafe posix_spawn_file_actions_addopen(&actions, descriptor, "/dev/null", O_RDWR, 0)
    }
    var pointers = unsafe ([program] + arguments).map { unsafe strdup($0) } + [nil]
    defer { unsafe pointers.forEach { unsafe free($0) } }
    guard unsafe posix_spawnp(&process, program, &actions, nil, &pointers, environ) == 0 else { return nil }
    var status: CInt = 0
    while unsafe waitpid(process, &status, 0) < 0 && errno == EINTR {}
    return status
  }
}
