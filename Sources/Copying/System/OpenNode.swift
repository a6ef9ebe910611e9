internal import CLinux
internal import FileSystems
internal import Glibc
internal import SystemPackage

/// A descriptor that is open on something of the host, and what can be changed of that by it: never by a name, which
/// could lead elsewhere.
protocol OpenNode: AnyObject {
  var descriptor: CInt { get }
}

/// What fstat(2) tells of something of the host.
struct HostFacts: Equatable {
  struct Identity: Hashable {
    let device: UInt64
    let inode: UInt64
  }

  let identity: Identity
  /// nil for what Linux does not have.
  let type: NodeType?
  /// The low 12 bits of `st_mode`.
  let permissions: UInt16
  let owner: UInt32
  let group: UInt32
  let modified: Timestamp

  init(_ status: stat) {
    identity = Identity(device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
    type = NodeType(rawValue: UInt16(truncatingIfNeeded: status.st_mode & S_IFMT))
    permissions = UInt16(truncatingIfNeeded: status.st_mode & 0o7777)
    owner = status.st_uid
    group = status.st_gid
    modified = Timestamp(
      seconds: Int64(status.st_mtim.tv_sec), nanoseconds: UInt32(truncatingIfNeeded: status.st_mtim.tv_nsec))
  }
}

extension OpenNode {
  func facts() throws(Errno) -> HostFacts {
    var status = stat()
    // Safe: fstat fills a `stat`.
    try check(unsafe fstat(descriptor, &status))
    return HostFacts(status)
  }

  /// - Parameters: nil for what stays.
  func setOwner(_ owner: UInt32?, group: UInt32?) throws(Errno) {
    try check(fchown(descriptor, owner ?? .max, group ?? .max))
  }

  func setPermissions(_ permissions: UInt16) throws(Errno) {
    try check(fchmod(descriptor, mode_t(permissions)))
  }

  func setTimes(accessed: Timestamp, modified: Timestamp) throws(Errno) {
    let times = [timespec(accessed), timespec(modified)]
    // Safe: futimens reads two of them.
    try check(unsafe futimens(descriptor, times))
  }

  func setAttribute(_ name: [UInt8], to value: [UInt8]) throws(Errno) {
    // Safe: the name ends in a NUL, and the value's length is told.
    try check(
      unsafe withCString(name) { name in
        unsafe value.withUnsafeBytes { unsafe fsetxattr(descriptor, name, $0.baseAddress, $0.count, 0) }
      })
  }

  func removeAttribute(_ name: [UInt8]) throws(Errno) {
    try check(unsafe withCString(name) { unsafe fremovexattr(descriptor, $0) })
  }

  func hasAttribute(_ name: [UInt8]) -> Bool {
    unsafe withCString(name) { unsafe fgetxattr(descriptor, $0, nil, 0) } >= 0
  }
}

extension timespec {
  init(_ time: Timestamp) {
    self.init(tv_sec: Int(time.seconds), tv_nsec: Int(min(time.nanoseconds, 999_999_999)))
  }
}

/// Throws what the call that has answered `result` says, where that is -1.
@discardableResult
func check<Result: SignedInteger>(_ result: Result) throws(Errno) -> Result {
  guard result >= 0 else { throw Errno(rawValue: errno) }
  return result
}

/// Runs `body` with the bytes, in which there is no NUL, and a NUL behind them.
func withCString<R>(_ bytes: [UInt8], _ body: (UnsafePointer<CChar>) -> R) -> R {
  // Safe: the pointer is used within the call only, and a byte can be taken for a CChar.
  unsafe (bytes + [0]).withUnsafeBytes { buffer in
    unsafe body(buffer.baseAddress!.assumingMemoryBound(to: CChar.self))
  }
}
