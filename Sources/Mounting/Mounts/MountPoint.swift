internal import CFuse
internal import Glibc
internal import SystemPackage

/// An empty folder to mount on.
public struct MountPoint: Sendable {
  /// Absolute, without symbolic links.
  public let path: String

  /// Checks that `path` can be mounted on.
  public init(checking path: String, allowsNonEmpty: Bool) throws(MountError) {
    self.path = try Self.resolve(path)
    if let entry = MountTable.current()?.last(at: self.path), entry.type.hasPrefix("fuse") {
      throw MountError(
        .mountPoint,
        "\(path) is in use: \(entry.source) is mounted there; unmount it first (vitrine umount \(path))")
    }
    var status = stat()
    // Safe: `status` is a stat.
    guard unsafe lstat(self.path, &status) == 0 else { throw Self.problem(path, errno) }
    guard status.st_mode & S_IFMT == S_IFDIR else {
      throw MountError(.mountPoint, "mount point \(path) is not a folder; name an empty folder")
    }
    let isUsable = try allowsNonEmpty ? true : Self.isEmpty(self.path, named: path)
    guard isUsable else {
      throw MountError(
        .mountPoint, "mount point \(path) is not empty; name an empty folder, or cover this one with -o nonempty")
    }
  }

  /// A path that something is mounted on already.
  init(mounted path: String) { self.path = path }

  /// The path without symbolic links, from the root.
  public static func resolve(_ path: String) throws(MountError) -> String {
    // Safe: realpath gives memory of its own, which is freed here.
    guard let resolved = unsafe realpath(path, nil) else { throw problem(path, errno) }
    defer { unsafe free(resolved) }
    return unsafe String(cString: resolved)
  }

  /// As `resolve`, but without asking what is mounted there.
  static func resolveParent(_ path: String) throws(MountError) -> String {
    let whole = FilePath(path)
    // A link to a mount point, or a path whose end names a folder by way of others.
    guard let last = whole.lastComponent, last.kind == .regular, !isLink(path) else { return try resolve(path) }
    let folder = whole.removingLastComponent()
    return FilePath(try resolve(folder.isEmpty ? "." : folder.string)).appending(last).string
  }

  private static func isLink(_ path: String) -> Bool {
    var byte: CChar = 0
    // Safe: one byte at most is written.
    return unsafe readlink(path, &byte, 1) >= 0
  }

  private static func problem(_ path: String, _ number: CInt) -> MountError {
    switch number {
    case ENOENT: MountError(.mountPoint, "mount point \(path) does not exist; create it (mkdir \(path))")
    case ENOTDIR: MountError(.mountPoint, "mount point \(path) is not a folder; name an empty folder")
    case EACCES, EPERM: MountError(.notPermitted, "no permission to look at mount point \(path)")
    case ENOTCONN:
      MountError(.mountPoint, "\(path) is in use by a mount whose server has died; run: vitrine umount \(path)")
    default: MountError(.mountPoint, "cannot use mount point \(path): \(String(errno: number))")
    }
  }

  private static func isEmpty(_ path: String, named name: String) throws(MountError) -> Bool {
    // Safe: a C string.
    guard let folder = unsafe opendir(path) else {
      // Who may mount on a folder need not be allowed to list it: then it is not known to hold anything.
      if errno == EACCES { return true }
      throw problem(name, errno)
    }
    defer { unsafe closedir(folder) }
    // Safe: an entry is valid until the next call.
    while let entry = unsafe readdir(folder) {
      let name = unsafe FolderEntry.name(entry)
      if name != "." && name != ".." { return false }
    }
    return true
  }
}
