internal import BlockDevices
internal import CFuse
internal import Glibc

/// A mount for the length of one command: a folder that only its owner sees, a server, and a process that waits for the
/// command and sees to it that all is gone when it ends.
///
/// Three processes: this one, the server and the command. When this one is killed, the server takes the mount away, and
/// the command is sent SIGTERM. When the server is killed, this one takes the mount away, and the command finds errors.
public enum TemporaryMount {
  /// Makes the server's process.
  ///
  /// Only for a process that has one thread; what it has open is not the server's.
  /// - Parameters:
  ///   - isPrivate: insists on a mount namespace.
  ///   - serving: is what the server does, until its end: it makes the folder, mounts on it, serves until the
  ///     readiness's starter, or the mount, is gone, and takes the folder away.
  /// - Returns: what runs the command, once the mount answers.
  public static func begin(
    isPrivate: Bool, leaving inherited: InheritedDescriptors,
    serving: @escaping (TemporaryFolder, Readiness, Lifeline) -> Never
  ) throws(MountError) -> CommandRun {
    let environment = CommandEnvironment()
    let choice = try PrivateNamespace.enter(
      PrivateNamespace.choose(isRequired: isPrivate), isRequired: isPrivate)
    EndSignals.hold()
    let folder = try TemporaryFolder()
    let (readiness, waiting) = try Readiness.pair()
    let (lifeline, holder) = try Lifeline.pair()
    let child = try ServerProcess.start {
      waiting.close()
      holder.close()
      inherited.close()
      // A terminal's signals are not for the server. Until there is a mount, it can end at once.
      setsid()
      EndSignals.letIn()
      serving(folder, readiness, lifeline)
    }
    readiness.close()
    lifeline.close()
    return CommandRun(
      server: child, folder: folder, waiting: waiting, holder: holder, environment: environment,
      isPrivate: choice != .none)
  }
}

extension TemporaryMount {
  /// Lets go of what is the command's: its standard input and output, and the folder that this process stands in, which
  /// may be what somebody wants to unmount. Standard error stays, for what the server has to say.
  public static func leaveTerminal() {
    Readiness.leaveTerminal(keepingStandardError: true)
    // Safe: a C string.
    _ = unsafe chdir("/")
  }
}

extension Session {
  /// Serves until the lifeline breaks, too.
  ///
  /// - Parameter inUse: is told where something still uses the mount then: " by sleep (42)". It finds errors from
  ///   there on: the image is released.
  public func serve(
    until lifeline: Lifeline, onReady: @escaping @Sendable () -> Bool, onEnd: () -> Void,
    inUse: @escaping @Sendable (String) -> Void
  ) throws(MountError) {
    let point = mountPoint
    let end = end
    let isWatched = Thread.start {
      lifeline.waitForEnd()
      switch point.unmountIfUnused() {
      case .unmounted: return
      case .inUse:
        let users = MountUsers.find(under: point.path)
        inUse(users.isEmpty ? "" : " by \(users.joined(separator: ", "))")
      case .failed: break
      }
      end.request()
    }
    guard isWatched else {
      unmount()
      throw MountError(.system, "this system gives no thread")
    }
    try serve(onReady: onReady, onEnd: { _ in onEnd() })
  }
}
