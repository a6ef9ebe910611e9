internal import BlockDevices
internal import Bytes
internal import CLinux
internal import FileSystems
internal import Glibc
internal import SystemPackage

/// What can be read of a folder of the host: by descriptors and single names, symbolic links never followed.
extension HostFolder {
  /// All names in the folder but for "." and "..", sorted byte by byte.
  func names() throws(Errno) -> [[UInt8]] {
    // A descriptor of its own: the stream takes it over, and moves its position.
    let copy = try check(unsafe openat(descriptor, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC))
    // Safe: the stream is used here alone and closed below; an entry is read before the next one is asked for.
    guard let stream = unsafe fdopendir(copy) else {
      let error = Errno(rawValue: errno)
      close(copy)
      throw error
    }
    defer { unsafe closedir(stream) }
    var names: [[UInt8]] = []
    while true {
      errno = 0
      guard let entry = unsafe readdir(stream) else {
        if errno != 0 { throw Errno(rawValue: errno) }
        break
      }
      let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) { start in
          unsafe Array(UnsafeRawBufferPointer(start: start, count: strlen(start)))
        }
      }
      if name != Array(".".utf8) && name != Array("..".utf8) { names.append(name) }
    }
    return names.sorted { $0.lexicographicallyPrecedes($1) }
  }

  func attributes(of name: [UInt8]) throws(Errno) -> Attributes {
    var status = stat()
    // Safe: the call fills a `stat`.
    try check(unsafe withCString(name) { unsafe fstatat(descriptor, $0, &status, AT_SYMLINK_NOFOLLOW) })
    return try Attributes(status)
  }

  func attributes() throws(Errno) -> Attributes {
    var status = stat()
    // Safe: the call fills a `stat`.
    try check(unsafe fstat(descriptor, &status))
    return try Attributes(status)
  }

  func linkTarget(of name: [UInt8]) throws(Errno) -> [UInt8] {
    var target = [UInt8](repeating: 0, count: 4096)
    // Safe: the call is told how long the array is.
    let count = try check(
      unsafe withCString(name) { name in
        unsafe target.withUnsafeMutableBytes { room in
          guard let start = room.baseAddress else { return -1 }
          return unsafe readlinkat(descriptor, name, start.assumingMemoryBound(to: CChar.self), room.count)
        }
      })
    return Array(target.prefix(count))
  }

  /// The contents of a regular file.
  func file(_ name: [UInt8]) throws(Errno) -> HostFile {
    let flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC
    let opened = try check(unsafe withCString(name) { unsafe openat(descriptor, $0, flags) })
    defer { close(opened) }
    return try HostFile(opening: FilePath("/proc/self/fd/\(opened)"))
  }

  /// The extended attributes of what has a name, sorted by their names.
  func extendedAttributes(of name: [UInt8]?) throws(Errno) -> [(name: [UInt8], value: [UInt8])] {
    let path = Array("/proc/self/fd/\(descriptor)".utf8) + (name.map { [UInt8(ascii: "/")] + $0 } ?? [])
    let followsLink = name == nil
    // Safe, here and below: the call is told how long the array is, and the path ends in a NUL.
    let names = try unsafe Self.bytes { (room) in
      unsafe withCString(path) { path in
        let start = unsafe room.baseAddress?.assumingMemoryBound(to: CChar.self)
        return unsafe followsLink ? listxattr(path, start, room.count) : llistxattr(path, start, room.count)
      }
    }
    var attributes: [(name: [UInt8], value: [UInt8])] = []
    for attribute in names.split(separator: 0).map(Array.init).sorted(by: { $0.lexicographicallyPrecedes($1) }) {
      let value = try unsafe Self.bytes { (room) in
        unsafe withCString(path) { path in
          unsafe withCString(attribute) { attribute in
            unsafe followsLink
              ? getxattr(path, attribute, room.baseAddress, room.count)
              : lgetxattr(path, attribute, room.baseAddress, room.count)
          }
        }
      }
      attributes.append((attribute, value))
    }
    return attributes
  }

  /// What a call fills in that tells how much it is; nothing where there are no such things.
  private static func bytes(_ call: (UnsafeMutableRawBufferPointer) -> Int) throws(Errno) -> [UInt8] {
    var room = [UInt8](repeating: 0, count: 1 << 16)
    let count = unsafe room.withUnsafeMutableBytes { unsafe call($0) }
    if count < 0 && (errno == ENOTSUP || errno == ENODATA) { return [] }
    return Array(room.prefix(try check(count)))
  }
}

extension Attributes {
  fileprivate init(_ status: stat) throws(Errno) {
    guard let type = NodeType(rawValue: UInt16(truncatingIfNeeded: status.st_mode & S_IFMT)) else {
      throw .notSupported
    }
    func time(_ time: timespec) -> Timestamp {
      Timestamp(seconds: Int64(time.tv_sec), nanoseconds: UInt32(clamping: time.tv_nsec))
    }
    let number = UInt64(status.st_rdev)
    let isDevice = type == .characterDevice || type == .blockDevice
    self.init(
      type: type, permissions: UInt16(truncatingIfNeeded: status.st_mode & 0o7777),
      linkCount: UInt32(clamping: status.st_nlink), owner: status.st_uid, group: status.st_gid,
      size: UInt64(clamping: status.st_size), allocatedSize: UInt64(clamping: status.st_blocks) * 512,
      accessed: time(status.st_atim), modified: time(status.st_mtim), changed: time(status.st_ctim),
      deviceNumber: isDevice
        ? DeviceNumber(
          major: UInt32(truncatingIfNeeded: number >> 8 & 0xFFF | number >> 32 & ~0xFFF),
          minor: UInt32(truncatingIfNeeded: number & 0xFF | number >> 12 & ~0xFF)) : nil)
  }
}
