internal import Glibc

/// Takes a mount away, and waits until its server has let go of the image.
public struct Unmounter {
  private let point: String
  private let entry: MountTable.Entry
  /// As it was named.
  private let name: String

  /// - Parameter path: a mount point, or an image that is mounted on one only.
  /// - Throws: where nothing of ours is mounted at `path`, or more than one thing.
  public init(at path: String) throws(MountError) {
    name = path
    guard let table = MountTable.current() else { throw MountTable.missing }
    // The path is resolved without asking the mount, whose server may be dead.
    let resolved = try MountPoint.resolveParent(path)
    if let entry = table.last(at: resolved) {
      guard MountedImage(entry) != nil else {
        throw MountError(
          .notMounted, "\(path) is not a mount of vitrine but of type \(entry.type); use umount or fusermount3 -u")
      }
      point = resolved
      self.entry = entry
      return
    }
    let mounts = table.entries.filter { MountedImage($0)?.image == resolved }
    guard let first = mounts.first else {
      throw MountError(
        .notMounted, "\(path) is not a mount point, nor an image that is mounted; see \"vitrine mounts\"")
    }
    guard mounts.count == 1 else {
      let points = mounts.prefix(8).map(\.mountPoint).joined(separator: ", ")
      throw MountError(.notMounted, "\(path) is mounted \(mounts.count) times; name the mount point (\(points))")
    }
    point = first.mountPoint
    entry = first
  }

  /// Unmounts.
  /// - Parameters:
  ///   - isLazy: takes the mount out of sight now, even if it is in use, and does not wait: the image is released
  ///     when its last use ends.
  ///   - notice: is told what is being waited for, where that takes long.
  public func unmount(isLazy: Bool, notice: (String) -> Void) throws(MountError) {
    let watched = ReleaseMark(watching: entry)
    defer { watched?.close() }
    // Safe: a C string.
    if unsafe umount2(point, (isLazy ? CInt(MNT_DETACH) : 0) | noFollow) != 0 {
      switch errno {
      case EPERM, EACCES: try runHelper(isLazy: isLazy)
      case EBUSY: throw busy()
      default: throw MountError(.system, "cannot unmount \(name): \(String(errno: errno))")
      }
    }
    guard !isLazy, let watched else {
      // No server will, or not soon.
      MadeFolders.removeMarked(at: point)
      return
    }
    if let other = MountTable.current()?.entries.first(where: { $0.device == entry.device && $0.type == entry.type }) {
      notice("\(entry.source) is still mounted on \(other.mountPoint); it is released when that is unmounted too")
      return
    }
    if !watched.isReleased(within: 3000) {
      let others = MountUsers.findNamespaces(holding: entry.device, type: entry.type)
      notice(
        "waiting for the server to release \(entry.source), which "
          + (others.isEmpty
            ? "something still uses"
            : "is still mounted in other mount namespaces: of \(others.joined(separator: ", "))"))
      _ = watched.isReleased(within: -1)
    }
  }

  /// Only root may unmount; for others fusermount3 does it.
  private func runHelper(isLazy: Bool) throws(MountError) {
    let outcome = HelperProcess.run("fusermount3", isLazy ? ["-u", "-z", "--", point] : ["-u", "--", point])
    guard let outcome else {
      throw MountError(.system, "fusermount3 is missing, without which only root can unmount; install fuse3")
    }
    guard outcome.status != 0 else { return }
    let said = outcome.said.split(separator: "\n").last.map(String.init) ?? "unknown cause"
    if said.contains("busy") { throw busy() }
    if said.contains("permitted") || said.contains("not found") || said.contains("denied") {
      throw MountError(.notPermitted, "\(name) was mounted by someone else, who (or root) has to unmount it")
    }
    throw MountError(.system, "cannot unmount \(name): \(said)")
  }

  private func busy() -> MountError {
    let users = MountUsers.find(under: point)
    let who = users.isEmpty ? "" : " by \(users.joined(separator: ", "))"
    return MountError(
      .busy, "\(name) is in use\(who); end that first, or take it away now and release it later with --lazy")
  }
}

/// UMOUNT_NOFOLLOW of <sys/mount.h>: the path is resolved already.
private let noFollow: CInt = 8
