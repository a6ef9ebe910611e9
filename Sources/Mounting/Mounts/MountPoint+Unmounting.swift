internal import Glibc

extension MountPoint {
  enum Outcome {
    case unmounted
    /// Something has a file open in it, or stands there.
    case inUse
    /// It cannot be told.
    case failed
  }

  /// Unmounts where nothing uses the mount; for the server itself, and for who started it.
  func unmountIfUnused() -> Outcome {
    // Safe: a C string.
    if unsafe umount2(path, noFollow) == 0 { return .unmounted }
    switch errno {
    case EBUSY: return .inUse
    case EPERM, EACCES:
      // Only root may; for others fusermount3 does it.
      guard HelperProcess.runQuietly("fusermount3", ["-u", "-q", "--", path]) == 0 else {
        return MountTable.current()?.last(at: path) == nil ? .unmounted : .inUse
      }
      return .unmounted
    default: return .failed
    }
  }

  /// Takes the mount away even where it is in use.
  func unmountAnyway() {
    // Safe: a C string.
    guard unsafe umount2(path, CInt(MNT_DETACH) | noFollow) != 0, errno == EPERM || errno == EACCES else { return }
    _ = HelperProcess.runQuietly("fusermount3", ["-u", "-z", "-q", "--", path])
  }

  /// UMOUNT_NOFOLLOW of <sys/mount.h>: the path is resolved already.
  private var noFollow: CInt { 8 }
}
