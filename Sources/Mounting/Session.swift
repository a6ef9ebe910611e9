internal import BlockDevices
public import Browsing
internal import Bytes
internal import CFuse
internal import DiskImages
internal import Glibc
public import Logging
internal import Synchronization

/// A FUSE session that shows a tree at a mount point.
///
/// The order of calls: `mount`, then (in the process that is to serve) `serve`, which returns once the mount is gone.
@safe public final class Session: Sendable {
  /// Seconds that stand for ever, since an image never changes. The kernel clamps what its clock cannot hold.
  public static let longest: Double = 1e9

  public let counters = Counters()
  let tree: Tree
  let options: MountOptions
  let mountPoint: MountPoint
  let contexts: ReadContextPool
  let readAhead: ReadAhead
  let log: Logger
  let failedNodes = FailedNodes()
  /// Seconds for which the kernel may keep names and attributes.
  let timeout: Double
  /// Files and folders that were closed, where their opening was asked for.
  let releases = Atomic<UInt64>(0)
  private let sourceName: String
  // Safe: written once by `mount`, before there is a second thread, and libfuse's session has locks of its own.
  nonisolated(unsafe) private var handle: OpaquePointer?
  let end = SessionEnd()
  private let onReady = Mutex<(@Sendable () -> Bool)?>(nil)

  /// - Parameters:
  ///   - sourceName: what mount(8) is to show as the source, where the options name nothing else.
  ///   - log: is told of what goes wrong while serving.
  public init(
    showing tree: Tree, at mountPoint: MountPoint, options: MountOptions, sourceName: String, log: Logger
  ) {
    self.tree = tree
    self.options = options
    self.mountPoint = mountPoint
    self.log = log
    self.sourceName = sourceName
    let timeout = options.timeout ?? Self.longest
    self.timeout = options.idleTimeout.map { min(timeout, $0 / Self.idleFraction) } ?? timeout
    readAhead = ReadAhead(in: tree)
    contexts = ReadContextPool(counters: counters, splices: options.reply == .splice)
    // Safe: nobody else has this object yet.
    unsafe handle = nil
  }

  deinit {
    // Safe: nothing serves any more.
    if let handle = unsafe handle { unsafe fuse_session_destroy(handle) }
  }

  /// Mounts: from here on whoever looks at the mount point waits until `serve` answers.
  public func mount() throws(MountError) {
    LibraryLog.install()
    let list = options.mountList(sourceName: sourceName)
    guard let made = unsafe Self.makeSession(["vitrine", "-o", list], user: Unmanaged.passUnretained(self).toOpaque())
    else {
      throw MountError(.system, "libfuse does not take the mount options: \(LibraryLog.take())")
    }
    unsafe handle = made
    let (status, said) = CapturedStandardError.during {
      // Safe: libfuse copies the path.
      unsafe mountPoint.path.withCString { unsafe fuse_session_mount(made, $0) }
    }
    guard status == 0 else { throw MountError.explaining(LibraryLog.take() + said, mountPoint) }
  }

  private static func makeSession(_ arguments: [String], user: UnsafeMutableRawPointer) -> OpaquePointer? {
    // Safe: libfuse copies the operations and what it keeps of the arguments. The user data outlives the session,
    // which it owns.
    var operations = Session.operations()
    var pointers = unsafe arguments.map { unsafe strdup($0) }
    defer { unsafe pointers.forEach { unsafe free($0) } }
    return unsafe pointers.withUnsafeMutableBufferPointer { buffer in
      var list = unsafe fuse_args(argc: CInt(buffer.count), argv: buffer.baseAddress, allocated: 0)
      defer { unsafe fuse_opt_free_args(&list) }
      return unsafe fuse_session_new(&list, &operations, MemoryLayout<fuse_lowlevel_ops>.size, user)
    }
  }

  /// Serves until the mount is gone or a signal asks for the end, and then unmounts.
  ///
  /// - Parameters:
  ///   - onReady: is called once the mount answers, from a thread of its own; false ends the session.
  ///   - onEnd: is called when the mount is gone, before those are let go who wait for that.
  /// - Throws: where serving ended in some other way.
  public func serve(
    onReady: @escaping @Sendable () -> Bool = { true }, onEnd: (MountError?) -> Void = { _ in }
  ) throws(MountError) {
    guard let handle = unsafe handle else { throw MountError(.notMounted, "not mounted") }
    let mark = ReleaseMark(for: mountPoint, describing: description)
    defer { mark?.close() }
    self.onReady.withLock { $0 = onReady }
    // Safe: the handle is valid until `deinit`.
    let status = end.run(unsafe RequestLoop(handle, counters), threads: Self.threadCount)
    unsafe fuse_session_unmount(handle)
    let failure: MountError? =
      status < 0 ? MountError(.system, "serving failed: \(String(errno: -status)); mount anew") : nil
    onEnd(failure)
    if let failure { throw failure }
  }

  /// What others may want to know of this mount.
  private var description: MountDescription {
    MountDescription(
      image: sourceName, partition: options.volumeText, snapshot: options.image.snapshot,
      view: tree.kind == .disk ? .disk : .filesystem)
  }

  /// For a process that has left serving to another: what it still has open of the mount would keep the mount's users
  /// waiting where the server ends.
  public func leave() {
    // Safe: as in `serve`. libfuse does not use the descriptor any more.
    if let handle = unsafe handle { _ = unsafe Glibc.close(fuse_session_fd(handle)) }
  }

  /// Unmounts where `serve` is not reached.
  public func unmount() {
    // Safe: as in `serve`.
    if let handle = unsafe handle { unsafe fuse_session_unmount(handle) }
  }

  /// Threads that answer: one more than there are cores, because some wait for the disk. The kernel wakes them in turn,
  /// and a request that meets a thread whose core and caches went to another waits for them: twice as many as cores
  /// make a walk a fifth slower.
  private static var threadCount: Int { min(max(HostEnvironment.coreCount + 1, 3), 8) }

  // MARK: Becoming ready

  /// Called by libfuse as the kernel's INIT arrives: agrees on what both sides do.
  func negotiate(_ connection: inout fuse_conn_info) {
    func want(_ capability: CInt, _ wanted: Bool = true) {
      let bit = CUnsignedInt(bitPattern: capability)
      if wanted && connection.capable & bit != 0 { connection.want |= bit } else { connection.want &= ~bit }
    }
    // The contents never change: nothing needs to be asked for again, or thrown away.
    want(FUSE_CAP_AUTO_INVAL_DATA, false)
    want(FUSE_CAP_EXPLICIT_INVAL_DATA)
    want(FUSE_CAP_CACHE_SYMLINKS)
    want(FUSE_CAP_READDIRPLUS)
    // Always with attributes: whoever lists a directory mostly looks at its entries too, and they cost little beside a
    // look-up each. The kernel's own choice ("auto") takes three times as long for a walk of large directories.
    want(FUSE_CAP_READDIRPLUS_AUTO, false)
    want(FUSE_CAP_PARALLEL_DIROPS)
    want(FUSE_CAP_ASYNC_READ)
    want(FUSE_CAP_EXPORT_SUPPORT)
    want(FUSE_CAP_SPLICE_WRITE, options.reply == .splice)
    want(FUSE_CAP_SPLICE_MOVE, false)
    want(FUSE_CAP_POSIX_LOCKS, false)
    want(FUSE_CAP_FLOCK_LOCKS, false)
    connection.max_read = CUnsignedInt(ReadContext.largestRead)
    connection.max_background = 64
    connection.congestion_threshold = 48
    startReadinessThread()
  }

  /// Waits on the side until the mount answers: INIT is done only some time after `negotiate`, and asking one's own
  /// mount from a thread that should answer would wait for ever.
  private func startReadinessThread() {
    guard let onReady = onReady.withLock({ $0.take() }) else { return }
    let point = mountPoint
    let idle = options.idleTimeout
    let end = end
    let isStarted = Thread.start { [weak self] in
      guard end.beginAsking() else { return }
      point.waitUntilAnswering()
      end.endAsking()
      Readahead.raise(for: point)
      guard onReady() else { return end.request() }
      if let idle { self?.unmountWhenIdle(for: idle) }
    }
    // Safe: this is called from within the session's loop.
    if !isStarted && !onReady() { unsafe fuse_session_exit(handle) }
  }
}
