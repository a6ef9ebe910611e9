internal import BlockDevices
internal import Bytes
internal import CFuse
internal import Glibc

/// A mount for the length of one command: a folder that only its owner sees, a server, and a process that waits for the
/// command and sees to it that all is gone when it ends.
///
/// Three processes: this one, the server and the command. When this one is killed, the server takes the mount away, and
/// the command is sent SIGTERM. When the server is killed, this one takes the mount away, and the command finds errors.
public enum TemporaryMount {
  /// Makes the folder, and the server's process.
  ///
  /// Only for a process that has one thread; what it has open is not the server's.
  /// - Parameters:
  ///   - isPrivate: insists on a mount namespace.
  ///   - serving: is what the server does, until its end: it mounts on the point, and serves until the readiness's
  ///     starter, or the mount, is gone.
  /// - Returns: what runs the command, once the mount answers.
  public static func begin(
    isPrivate: Bool, leaving inherited: InheritedDescriptors,
    serving: @escaping (MountPoint, Readiness, Lifeline) -> Never
  ) throws(MountError) -> CommandRun {
    let environment = CommandEnvironment()
    let choice = try PrivateNamespace.enter(
      PrivateNamespace.choose(isRequired: isPrivate), isRequired: isPrivate)
    EndSignals.hold()
    let folder = try TemporaryFolder()
    do {
      let (readiness, waiting) = try Readiness.pair()
      let (lifeline, holder) = try Lifeline.pair()
      let child = try ServerProcess.start {
        waiting.close()
        holder.close()
        inherited.close()
        // A terminal's signals are not for the server. Until there is a mount, it can end at once.
        setsid()
        EndSignals.letIn()
        serving(MountPoint(mounted: folder.path), readiness, lifeline)
      }
      readiness.close()
      lifeline.close()
      return CommandRun(
        server: child, folder: folder, waiting: waiting, holder: holder, environment: environment,
        isPrivate: choice != .none)
    } catch {
      folder.remove()
      throw error
    }
  }
}

/// A folder of this person's own, that nobody else sees into.
struct TemporaryFolder {
  let path: String

  /// In $XDG_RUNTIME_DIR, $TMPDIR or /tmp, in this order; the first is only right where it is this person's.
  init() throws(MountError) {
    var problem = ""
    let runtime = HostEnvironment.value(of: "XDG_RUNTIME_DIR").flatMap { Self.isOwn($0) ? $0 : nil }
    for base in [runtime, HostEnvironment.value(of: "TMPDIR"), "/tmp"] {
      guard let base, let whole = try? MountPoint.resolve(base) else { continue }
      var template = Array("\(whole)/vitrine-XXXXXX".utf8CString)
      // Safe: mkdtemp changes the six letters in place.
      let made = unsafe template.withUnsafeMutableBufferPointer { bytes in
        guard let start = bytes.baseAddress, unsafe mkdtemp(start) != nil else { return String?.none }
        return unsafe String(cString: start)
      }
      if let made {
        path = made
        return
      }
      problem = "\(whole): \(String(errno: errno))"
    }
    throw MountError(.system, "cannot make a temporary folder: \(problem)")
  }

  private static func isOwn(_ path: String) -> Bool {
    var status = stat()
    // Safe: a C string, and a stat.
    return unsafe stat(path, &status) == 0 && status.st_uid == geteuid() && status.st_mode & 0o022 == 0
  }

  func remove() { Self.remove(path) }

  /// Nothing is lost where it is gone already: both the server and who waits for it take it away.
  static func remove(_ path: String) {
    // Safe: a C string.
    _ = unsafe rmdir(path)
  }
}

/// The server's end of a pipe that breaks when nobody wants the mount any more.
public struct Lifeline: Sendable {
  let descriptor: CInt

  /// Both ends.
  static func pair() throws(MountError) -> (Lifeline, LifelineHolder) {
    var ends: (CInt, CInt) = (-1, -1)
    // Safe: two descriptors are written, into a pair of them.
    let made = unsafe withUnsafeMutableBytes(of: &ends) {
      unsafe pipe2($0.baseAddress?.assumingMemoryBound(to: CInt.self), O_CLOEXEC)
    }
    guard made == 0 else { throw MountError(.system, "cannot start the server: \(String(errno: errno))") }
    return (Lifeline(descriptor: ends.0), LifelineHolder(descriptor: ends.1))
  }

  func close() { Glibc.close(descriptor) }

  /// Whether nobody holds the other end any more.
  var isBroken: Bool {
    var poll = pollfd(fd: descriptor, events: 0, revents: 0)
    // Safe: one pollfd, a local.
    return unsafe Glibc.poll(&poll, 1, 0) > 0
  }

  /// Returns when nobody holds the other end any more.
  func waitForEnd() {
    var byte: UInt8 = 0
    while true {
      // Safe: one byte at most is written, to a local.
      let count = unsafe read(descriptor, &byte, 1)
      if count == 0 || (count < 0 && errno != EINTR) { return }
    }
  }
}

/// The other end.
struct LifelineHolder {
  fileprivate let descriptor: CInt

  /// Ends the server.
  func close() { Glibc.close(descriptor) }
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

extension MountPoint {
  /// Takes the folder away that a temporary mount was on.
  public func removeFolder() { TemporaryFolder.remove(path) }
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
