internal import Bytes
internal import CLinux
internal import FileSystems
internal import Glibc
internal import Synchronization
public import SystemPackage

/// A folder of the host that is written into. What is in it is named by one name, and symbolic links are never followed:
/// whatever an image holds, nothing outside of the folder is touched.
public final class HostFolder: OpenNode, Sendable {
  let descriptor: CInt
  /// Whether files without a name can be made here; false once that has failed.
  private let makesNamelessFiles = Atomic<Bool>(true)
  private let temporaryNames = Atomic<Int>(0)

  init(descriptor: CInt) { self.descriptor = descriptor }

  deinit { close(descriptor) }

  /// Opens a folder that a person has named: symbolic links are followed.
  public convenience init(opening path: [UInt8]) throws(Errno) {
    // Safe: the path ends in a NUL.
    self.init(
      descriptor: try check(unsafe withCString(path) { unsafe Glibc.open($0, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }))
  }

  /// - Throws: `.notDirectory` for anything else, a symbolic link too.
  func folder(_ name: [UInt8]) throws(Errno) -> HostFolder {
    let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC
    return HostFolder(descriptor: try check(unsafe withCString(name) { unsafe Glibc.openat(descriptor, $0, flags) }))
  }

  /// nil where there is nothing of that name. A symbolic link is told of, not what it leads to.
  func facts(of name: [UInt8]) throws(Errno) -> HostFacts? {
    var status = stat()
    // Safe: fstatat fills a `stat`.
    let result = unsafe withCString(name) { unsafe fstatat(descriptor, $0, &status, AT_SYMLINK_NOFOLLOW) }
    if result < 0 && errno == ENOENT { return nil }
    try check(result)
    return HostFacts(status)
  }

  func makeFolder(_ name: [UInt8], permissions: UInt16) throws(Errno) {
    try check(unsafe withCString(name) { unsafe mkdirat(descriptor, $0, mode_t(permissions)) })
  }

  func makeSymbolicLink(_ name: [UInt8], to target: [UInt8]) throws(Errno) {
    try check(
      unsafe withCString(name) { name in unsafe withCString(target) { unsafe symlinkat($0, descriptor, name) } })
  }

  /// A device, a FIFO or a socket.
  func makeNode(_ name: [UInt8], _ type: NodeType, permissions: UInt16, device: DeviceNumber?) throws(Errno) {
    let number = dev_t(device.map { Self.number($0) } ?? 0)
    let mode = mode_t(type.rawValue) | mode_t(permissions)
    try check(unsafe withCString(name) { unsafe mknodat(descriptor, $0, mode, number) })
  }

  /// As makedev(3) puts the two together.
  private static func number(_ device: DeviceNumber) -> UInt64 {
    let major = UInt64(device.major)
    let minor = UInt64(device.minor)
    return (major & 0xFFF) << 8 | (major & ~0xFFF) << 32 | (minor & 0xFF) | (minor & ~0xFF) << 12
  }

  /// Gives what `other` names in `folder` a further name, here.
  func makeHardLink(_ name: [UInt8], to other: [UInt8], in folder: HostFolder) throws(Errno) {
    try check(
      unsafe withCString(name) { name in
        unsafe withCString(other) { unsafe linkat(folder.descriptor, $0, descriptor, name, 0) }
      })
  }

  /// Puts what has one name in the place of what has another.
  func rename(_ name: [UInt8], replacing other: [UInt8]) throws(Errno) {
    try check(
      unsafe withCString(name) { name in
        unsafe withCString(other) { unsafe renameat(descriptor, name, descriptor, $0) }
      })
  }

  func remove(_ name: [UInt8]) throws(Errno) {
    try check(unsafe withCString(name) { unsafe unlinkat(descriptor, $0, 0) })
  }

  /// A name that nothing here has, most likely.
  func temporaryName() -> [UInt8] {
    let number = temporaryNames.wrappingAdd(1, ordering: .relaxed).newValue
    return Array(".vitrine-\(getpid())-\(number)-\(UInt32.random(in: 0...UInt32.max)).part".utf8)
  }

  func setOwner(of name: [UInt8], _ owner: UInt32?, group: UInt32?) throws(Errno) {
    try check(
      unsafe withCString(name) {
        unsafe fchownat(descriptor, $0, owner ?? .max, group ?? .max, AT_SYMLINK_NOFOLLOW)
      })
  }

  /// Not for symbolic links, which would be followed.
  func setPermissions(of name: [UInt8], _ permissions: UInt16) throws(Errno) {
    try check(unsafe withCString(name) { unsafe fchmodat(descriptor, $0, mode_t(permissions), 0) })
  }

  func setTimes(of name: [UInt8], accessed: Timestamp, modified: Timestamp) throws(Errno) {
    let times = [timespec(accessed), timespec(modified)]
    // Safe: utimensat reads two of them.
    try check(unsafe withCString(name) { unsafe utimensat(descriptor, $0, times, AT_SYMLINK_NOFOLLOW) })
  }

  /// Of what cannot be opened: a symbolic link, a device.
  func setAttribute(of node: [UInt8], _ name: [UInt8], to value: [UInt8]) throws(Errno) {
    let path = Array("/proc/self/fd/\(descriptor)/".utf8) + node
    // Safe: path and name end in NUL, and the value's length is told.
    try check(
      unsafe withCString(path) { path in
        unsafe withCString(name) { name in
          unsafe value.withUnsafeBytes { unsafe lsetxattr(path, name, $0.baseAddress, $0.count, 0) }
        }
      })
  }

  /// A file that has no name yet, or one that nobody is to look at.
  func makeFile(permissions: UInt16) throws(Errno) -> NewFile {
    if makesNamelessFiles.load(ordering: .relaxed) {
      let made = openat(descriptor, namelessFile | O_RDWR | O_CLOEXEC, permissions)
      if made >= 0 { return NewFile(descriptor: made, temporaryName: nil, in: self) }
      switch errno {
      // A kernel or a filesystem that does not have such files.
      case EOPNOTSUPP, EISDIR, EINVAL, ENOENT: makesNamelessFiles.store(false, ordering: .relaxed)
      default: throw Errno(rawValue: errno)
      }
    }
    return try makeNamedFile(permissions: permissions)
  }

  // Safe, here and below: the names end in NUL, and live as long as the calls.
  private func openat(_ descriptor: CInt, _ flags: CInt, _ permissions: UInt16) -> CInt {
    unsafe withCString([UInt8(ascii: ".")]) { unsafe Glibc.openat(descriptor, $0, flags, mode_t(permissions)) }
  }

  func makeNamedFile(permissions: UInt16) throws(Errno) -> NewFile {
    for _ in 0..<100 {
      let name = temporaryName()
      let flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC
      let made = unsafe withCString(name) { unsafe Glibc.openat(descriptor, $0, flags, mode_t(permissions)) }
      if made >= 0 { return NewFile(descriptor: made, temporaryName: name, in: self) }
      guard errno == EEXIST else { throw Errno(rawValue: errno) }
    }
    throw .fileExists
  }
}

/// O_TMPFILE of open(2), which Glibc's module leaves out.
private let namelessFile: CInt = 0o20_000_000 | O_DIRECTORY
