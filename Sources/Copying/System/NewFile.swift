internal import BlockDevices
internal import Bytes
internal import CLinux
internal import Glibc
internal import Synchronization
internal import SystemPackage

/// A file that is being written, and gets its name when it is whole: nobody ever sees a part of it. Where it never gets
/// that far, nothing of it is left.
// Safe: one thread fills it and hands it on to the one that names it; no two have it at a time.
final class NewFile: OpenNode, @unchecked Sendable {
  let descriptor: CInt
  private let folder: HostFolder
  private var temporaryName: [UInt8]?
  /// Where the next byte goes.
  private var position: UInt64 = 0

  init(descriptor: CInt, temporaryName: [UInt8]?, in folder: HostFolder) {
    self.descriptor = descriptor
    self.temporaryName = temporaryName
    self.folder = folder
  }

  deinit {
    if let temporaryName { try? folder.remove(temporaryName) }
    close(descriptor)
  }

  /// Gives the file its name.
  /// - Throws: `.fileExists` where something has that name, and it is not to be replaced.
  func place(as name: [UInt8], replaces: Bool = false) throws(Errno) {
    if !replaces {
      if let temporaryName {
        try folder.makeHardLink(name, to: temporaryName, in: folder)
        try folder.remove(temporaryName)
        self.temporaryName = nil
      } else {
        try link(as: name)
      }
      return
    }
    let temporary = temporaryName ?? folder.temporaryName()
    if temporaryName == nil { try link(as: temporary) }
    temporaryName = temporary
    try folder.rename(temporary, replacing: name)
    temporaryName = nil
  }

  /// Whether this process may give names by descriptors alone: root may, and anybody on newer kernels.
  private static let linksByDescriptor = Atomic<Bool>(true)

  private func link(as name: [UInt8]) throws(Errno) {
    // Safe, here and below: the names end in NUL, and live as long as the calls.
    if Self.linksByDescriptor.load(ordering: .relaxed) {
      let result = unsafe withCString(name) { name in
        unsafe withCString([]) { unsafe linkat(descriptor, $0, folder.descriptor, name, emptyPath) }
      }
      if result == 0 { return }
      guard errno == ENOENT || errno == EPERM || errno == EINVAL else { throw Errno(rawValue: errno) }
      Self.linksByDescriptor.store(false, ordering: .relaxed)
    }
    try check(
      unsafe withCString(name) { name in
        unsafe withCString(Array("/proc/self/fd/\(descriptor)".utf8)) {
          unsafe linkat(AT_FDCWD, $0, folder.descriptor, name, AT_SYMLINK_FOLLOW)
        }
      })
  }

  /// Leaves out bytes, which read as zeros.
  func skip(_ length: UInt64) throws(Errno) {
    let (end, overflow) = position.addingReportingOverflow(length)
    guard !overflow, let offset = off_t(exactly: end) else { throw .fileTooLarge }
    try check(lseek(descriptor, offset, SEEK_SET))
    position = end
  }

  /// Ends the file where the next byte would go: for one that ends in bytes that were left out.
  func setEnd() throws(Errno) {
    guard let size = off_t(exactly: position) else { throw .fileTooLarge }
    try check(ftruncate(descriptor, size))
  }

  func write(_ bytes: UnsafeRawBufferPointer) throws(Errno) {
    var done = 0
    while done < bytes.count {
      // Safe: the call is told what is left of the bytes.
      let written = unsafe Glibc.write(descriptor, bytes.baseAddress.map { unsafe $0 + done }, bytes.count - done)
      if written > 0 {
        done += written
      } else if errno != EINTR {
        throw Errno(rawValue: errno)
      }
    }
    position += UInt64(bytes.count)
  }

  /// How bytes of another file get here without passing through this process.
  enum Transfer: CaseIterable {
    /// By the filesystem itself, which may share them.
    case copyRange
    /// From one page cache to the other.
    case send
  }

  /// Copies at most `length` bytes of `host` at `offset`; nil where that cannot be done in this way, 0 at its end.
  func copy(_ length: UInt64, of host: HostFile, at offset: UInt64, by transfer: Transfer) throws(Errno) -> UInt64? {
    guard var source = off_t(exactly: offset), var target = off_t(exactly: position) else { return nil }
    let count = Int(clamping: length)
    var moved = -1
    repeat {
      // Safe: the positions are locals that the calls read and write.
      switch transfer {
      case .copyRange: moved = unsafe copy_file_range(host.descriptor.rawValue, &source, descriptor, &target, count, 0)
      case .send: moved = unsafe sendfile(descriptor, host.descriptor.rawValue, &source, count)
      }
    } while moved < 0 && errno == EINTR
    guard moved >= 0 else {
      switch errno {
      case ENOSPC, EDQUOT, EFBIG: throw Errno(rawValue: errno)
      default: return nil
      }
    }
    if transfer == .copyRange { try check(lseek(descriptor, target, SEEK_SET)) }
    position += UInt64(moved)
    return UInt64(moved)
  }
}

/// AT_EMPTY_PATH, which Glibc's module leaves out.
private let emptyPath: CInt = 0x1000
