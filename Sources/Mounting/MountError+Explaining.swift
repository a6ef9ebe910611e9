internal import Glibc
internal import SystemPackage

extension MountError {
  /// What cannot work is said before the mount is tried, because libfuse's own messages say little.
  public static func checkSystem(_ options: MountOptions) throws(MountError) {
    // Safe: a C string.
    let device = unsafe open("/dev/fuse", O_RDWR | O_CLOEXEC)
    guard device >= 0 else {
      switch errno {
      case ENOENT, ENODEV, ENXIO:
        throw MountError(
          .system,
          "this system has no FUSE (/dev/fuse is missing); load the module (modprobe fuse), or give the container the "
            + "device (--device /dev/fuse)")
      case EACCES, EPERM:
        throw MountError(
          .notPermitted,
          "no permission to open /dev/fuse; ask for mode 0666, which is usual, or for your group to be added")
      default:
        throw MountError(.system, "cannot open /dev/fuse: \(String(errno: errno))")
      }
    }
    close(device)
    if geteuid() != 0 && (options.allowsOthers || options.allowsRoot) && !othersArePermitted {
      throw MountError(
        .notPermitted,
        "-o \(options.allowsOthers ? "allow_other" : "allow_root") is not permitted here; leave it out, or have "
          + "\"user_allow_other\" put into /etc/fuse.conf")
    }
  }

  private static var othersArePermitted: Bool {
    guard let bytes = SmallFile.bytes(of: "/etc/fuse.conf") else { return false }
    return String(decoding: bytes, as: UTF8.self).split(separator: "\n").contains {
      $0.split(whereSeparator: \.isWhitespace) == ["user_allow_other"]
    }
  }

  /// Makes one line of what libfuse and fusermount3 said as a mount failed.
  static func explaining(_ said: String, _ point: MountPoint) -> MountError {
    let lines = said.split(separator: "\n").map { line in
      var text = line[...]
      for prefix in ["fuse: ", "fusermount3: ", "fusermount: "] where text.hasPrefix(prefix) {
        text = text.dropFirst(prefix.count)
      }
      return String(text)
    }
    let text = lines.joined(separator: "; ")
    if text.contains("exec") && text.contains("No such file") {
      return MountError(.system, "fusermount3 is missing, without which only root can mount; install fuse3")
    }
    if text.contains("no write access to mountpoint") || text.contains("not owned by user") {
      return MountError(
        .notPermitted, "mount point \(point.path) is not yours to write; name a folder of your own")
    }
    let isRefusal = text.contains("ermission denied") || text.contains("not permitted")
    return MountError(
      isRefusal ? .notPermitted : .system, "cannot mount on \(point.path): \(text.isEmpty ? "unknown cause" : text)")
  }
}
