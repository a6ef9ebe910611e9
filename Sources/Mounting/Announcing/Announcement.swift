internal import Synchronization

/// What is told to others of a mount's beginning and end: to who waits on a descriptor, to who looks for a file, and to
/// the service manager. And what was made for the mount, and goes with it.
public final class Announcement: Sendable {
  private let descriptor: ReadyDescriptor?
  private let file: ProcessFile?
  private let manager: ServiceManager?
  /// "/srv/disk.img on /mnt".
  private let subject: String
  private let folders: Mutex<MadeFolders>
  /// A mount may end while it is just being announced, by another thread: what is gone is not announced any more.
  private let hasEnded = Mutex(false)

  public init(
    of subject: String, descriptor: ReadyDescriptor?, file: ProcessFile?, manager: ServiceManager?,
    folders: MadeFolders
  ) {
    self.subject = subject
    self.descriptor = descriptor
    self.file = file
    self.manager = manager
    self.folders = Mutex(folders)
  }

  /// The mount answers: the file comes first, so that it is there for whoever is told.
  /// - Parameter isLast: false where the service manager is still to be told by the process that it knows.
  public func ready(isLast: Bool) throws(MountError) {
    try hasEnded.withLock { (hasEnded) throws(MountError) in
      guard !hasEnded else { return }
      try file?.write()
      if isLast { tellManager() }
      descriptor?.report()
    }
  }

  /// - Parameter server: the process that serves, where that is not this one.
  public func tellManager(server: Int32? = nil) {
    manager?.tell((server.map { ["MAINPID=\($0)"] } ?? []) + ["READY=1", "STATUS=Showing \(subject)"])
  }

  public func failed(_ text: String) { manager?.failed(text) }

  /// The mount is gone, or never was.
  public func ended(isServing: Bool) {
    hasEnded.withLock { hasEnded in
      hasEnded = true
      if isServing { manager?.tell(["STOPPING=1", "STATUS=Unmounted \(subject)"]) }
      file?.remove()
    }
    folders.withLock { $0.remove() }
  }
}

/// The first thing that went wrong, where several threads can say so.
public final class FirstFailure: Sendable {
  private let kept = Mutex<MountError?>(nil)

  public init() {}

  public var error: MountError? { kept.withLock { $0 } }
  public func keep(_ error: MountError) { kept.withLock { if $0 == nil { $0 = error } } }
}
