internal import CFuse
internal import Glibc

/// Waits for a temporary mount, runs a command while it stands, and ends it.
public final class CommandRun {
  private let server: pid_t
  private let folder: TemporaryFolder
  private let waiting: Readiness.StarterWait
  private let holder: LifelineHolder
  private let environment: CommandEnvironment
  /// Whether nobody but this process and its children sees the mount.
  public let isPrivate: Bool

  /// Of the server, as waitpid(2) has it; nil while it runs.
  private var serverStatus: CInt?
  /// Whether the server ended before the command.
  private var isLost = false

  init(
    server: pid_t, folder: TemporaryFolder, waiting: Readiness.StarterWait, holder: LifelineHolder,
    environment: CommandEnvironment, isPrivate: Bool
  ) {
    self.server = server
    self.folder = folder
    self.waiting = waiting
    self.holder = holder
    self.environment = environment
    self.isPrivate = isPrivate
  }

  /// Those that are handed on to the command, but for `end`, which end the waiting for the mount, too.
  private static let handedOn: [CInt] = [SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2]

  /// Runs `command` in the mount.
  /// - Parameters:
  ///   - entering: starts it there, and not where this process stands.
  ///   - message: says what went wrong.
  /// - Returns: the status to exit with: the command's own, 128 and the number of the signal that ended it or this
  ///   process, or the server's where there is no mount. `lost` is for a mount that went away meanwhile.
  public func run(_ command: [String], entering: Bool, lost: Int32, message: (String) -> Void) -> Int32 {
    // Who started this one may have ignored what tells of the end of a child.
    signal(SIGCHLD, SIG_DFL)
    let signals = Self.handedOn.filter { vitrine_is_ignored($0) == 0 } + [SIGCHLD]
    SignalSet(signals).change(SIG_BLOCK)
    guard let queue = SignalQueue(signals) else {
      message("cannot wait for the mount: \(String(errno: errno))")
      end(nil)
      return lost
    }
    switch waiting.wait(besides: queue) {
    case .ready: break
    case .interrupted(let signal):
      // It may still look at the image, which can take long.
      kill(server, SIGTERM)
      end(queue)
      return 128 + signal
    case .failed:
      // The server has said why.
      end(queue)
      return serverStatus.map(Self.status) ?? lost
    }
    let status = supervise(command, entering: entering, queue, message: message)
    end(queue)
    return isLost && status == 0 ? lost : status ?? lost
  }

  /// Starts the command, hands signals on to it, and waits for its end.
  private func supervise(
    _ command: [String], entering: Bool, _ queue: SignalQueue, message: (String) -> Void
  ) -> Int32? {
    guard
      let child = environment.start(command, mount: folder.path, entering: entering, message: message)
    else {
      message("cannot start the command: \(String(errno: errno))")
      return nil
    }
    while true {
      let ended = Self.reap(child)
      if serverStatus == nil { serverStatus = Self.reap(server) }
      // A server that is just ending lets go of the mount before its parent can know.
      if !isLost && (serverStatus != nil || ended != nil && MountPoint(mounted: folder.path).isDead) {
        isLost = true
        // The dead mount stays for as long as the command runs: below it the folder is empty, and that would be taken
        // for what the image holds.
        message("the server ended before the command did: its files cannot be read any more")
      }
      if let ended { return Self.status(ended) }
      stopWith(child)
      queue.wait()
      while let arrival = queue.next() {
        // What comes from the terminal has come to the command as well.
        if arrival.signal != SIGCHLD && arrival.isSent { kill(child, arrival.signal) }
      }
    }
  }

  /// The status of a child that has ended.
  private static func reap(_ child: pid_t) -> CInt? {
    var status: CInt = 0
    // Safe: the status is a local.
    return unsafe waitpid(child, &status, WNOHANG) == child ? status : nil
  }

  /// As a shell has it in `$?`.
  private static func status(_ status: CInt) -> Int32 {
    status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + (status & 0x7F)
  }

  /// Stops, where the command has been stopped (by Ctrl-Z, or by itself), so that the shell which has started this
  /// process takes the terminal; and lets the command go on as this process does.
  private func stopWith(_ child: pid_t) {
    // A terminal stops both at once: by the time that this is asked, that stop is over and the command goes on.
    guard Self.isStopped(child), Self.hasTerminal else { return }
    usleep(1000)
    guard Self.isStopped(child) else { return }
    raise(SIGSTOP)
    kill(child, SIGCONT)
  }

  private static func isStopped(_ child: pid_t) -> Bool {
    // Safe: the information is a local, which stays zero where nothing is to be told.
    var information = unsafe siginfo_t()
    let result = unsafe waitid(P_PID, id_t(child), &information, CInt(WSTOPPED | WNOHANG | WNOWAIT))
    return unsafe result == 0 && information.si_signo == SIGCHLD
  }

  private static var hasTerminal: Bool {
    // Safe: a C string.
    let terminal = unsafe open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)
    guard terminal >= 0 else { return false }
    close(terminal)
    return true
  }

  /// Lets the server go, and waits until it has taken the mount away, and the folder.
  private func end(_ queue: SignalQueue?) {
    holder.close()
    if serverStatus == nil { serverStatus = ChildProcess.reap(server, unless: queue) }
    // The server may have been killed.
    if MountTable.current()?.last(at: folder.path) != nil { MountPoint(mounted: folder.path).unmountAnyway() }
    folder.remove()
  }
}
