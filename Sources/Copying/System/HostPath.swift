internal import Glibc

/// Questions about paths that a person has given: symbolic links in them are followed.
public enum HostPath {
  public enum Kind: Sendable { case nothing, folder, file, other }

  public static func kind(_ path: [UInt8]) -> Kind {
    var status = stat()
    guard !path.isEmpty, !path.contains(0) else { return .nothing }
    // Safe: the path ends in a NUL, and the call fills a `stat`.
    guard unsafe withCString(path, { unsafe stat($0, &status) }) == 0 else { return .nothing }
    switch status.st_mode & S_IFMT {
    case S_IFDIR: return .folder
    case S_IFREG: return .file
    default: return .other
    }
  }

  /// Whether the path leads to something that is written to and never replaced: a device, a pipe, a socket, or whatever
  /// one of the process's own descriptors is (/dev/stdout).
  public static func leadsToStream(_ path: [UInt8]) -> Bool {
    if kind(path) == .other { return true }
    let descriptors = Array("/proc/".utf8CString.dropLast())
    var target = [CChar](repeating: 0, count: descriptors.count)
    guard !path.isEmpty, !path.contains(0) else { return false }
    // Safe: the path ends in a NUL, and no more bytes are written than there is room for.
    let length = unsafe withCString(path) { unsafe readlink($0, &target, descriptors.count) }
    return length == descriptors.count && target == descriptors
  }

  /// The path of what is there, without symbolic links.
  static func real(_ path: [UInt8]) -> [UInt8]? {
    // Safe: the path ends in a NUL; what realpath gives does too, and is freed here.
    guard let real = unsafe withCString(path, { unsafe realpath($0, nil) }) else { return nil }
    defer { unsafe free(real) }
    return unsafe Array(UnsafeRawBufferPointer(start: real, count: strlen(real)))
  }

  public static func exists(_ path: [UInt8]) -> Bool { kind(path) != .nothing }

  /// The last name of a path, and the folder it is in; without a name where the path ends in ".", ".." or is "/".
  public static func split(_ path: [UInt8]) -> (folder: [UInt8], name: [UInt8]?) {
    let slash = UInt8(ascii: "/")
    var end = path.count
    while end > 1 && path[end - 1] == slash { end -= 1 }
    let whole = path[..<end]
    guard whole != [slash] else { return ([slash], nil) }
    let start = whole.lastIndex(of: slash).map { $0 + 1 } ?? 0
    let name = Array(whole[start...])
    let dot = UInt8(ascii: ".")
    guard name != [dot], name != [dot, dot] else { return (Array(whole), nil) }
    var folder = whole[..<start]
    while folder.count > 1 && folder.last == slash { folder.removeLast() }
    return (folder.isEmpty ? [dot] : Array(folder), name)
  }
}

/// Permissions that new files of this process do not have.
public enum FileMask {
  /// Tells the mask and takes it away: from then on, what is made gets exactly the permissions it is made with.
  public static func takeAway() -> UInt16 { UInt16(truncatingIfNeeded: umask(0)) }
}
