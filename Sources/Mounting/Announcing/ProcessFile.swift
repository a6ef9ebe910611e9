internal import Glibc
internal import SystemPackage

/// The file with the number of the process that serves a mount: it is there, whole, for as long as the mount answers.
public struct ProcessFile: Sendable {
  private let path: String

  /// - Throws: where there is no folder for it.
  public init(at path: String) throws(MountError) {
    let whole = FilePath(path)
    guard let name = whole.lastComponent, name.kind == .regular else {
      throw MountError(.system, "cannot write \(path): it names no file")
    }
    let folder = whole.removingLastComponent()
    let resolved: String
    do { resolved = try MountPoint.resolve(folder.isEmpty ? "." : folder.string) } catch {
      throw MountError(.system, "cannot write \(path): its folder cannot be used: \(String(errno: errno))")
    }
    // The server works in another directory.
    self.path = FilePath(resolved).appending(name).string
  }

  /// Writes this process's number; whoever reads sees all of it or nothing.
  func write() throws(MountError) {
    let temporary = "\(path).\(getpid())"
    do {
      let file = try FileDescriptor.open(
        FilePath(temporary), .writeOnly, options: [.create, .exclusiveCreate, .noFollow, .closeOnExec],
        permissions: [.ownerReadWrite, .groupRead, .otherRead])
      try file.closeAfter { _ = try file.writeAll("\(getpid())\n".utf8) }
      // Safe: C strings.
      if unsafe rename(temporary, path) != 0 { throw Errno(rawValue: errno) }
    } catch {
      // Safe: a C string.
      unsafe unlink(temporary)
      throw MountError(.system, "cannot write \(path): \(error)")
    }
  }

  /// Takes the file away, where it is still this process's.
  func remove() {
    guard let bytes = SmallFile.bytes(of: FilePath(path)), bytes == Array("\(getpid())\n".utf8) else { return }
    // Safe: a C string.
    unsafe unlink(path)
  }
}
