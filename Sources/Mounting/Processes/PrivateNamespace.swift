internal import Bytes
internal import CFuse
internal import Glibc
internal import SystemPackage

/// A mount namespace of this process and those that it starts: what is mounted in it is seen by nobody else, and gone
/// with the last of them, however they end.
enum PrivateNamespace {
  /// How a temporary mount is to be made.
  enum Choice: Equatable {
    /// A mount namespace alone, which only root may make: nothing else is different in it.
    case mounts
    /// With a user namespace around it, which most systems let everybody make. Owners other than the person have no
    /// names in it, and set-user-ID programs no effect.
    case mountsAndUsers
    /// None: the mount is like any other.
    case none
  }

  /// What serves the command best here.
  ///
  /// Somebody who can mount as usual is not put into a user namespace unasked: the command would see the image's files,
  /// and the system's, as nobody's, which programs store (tar) or refuse (ssh).
  static func choose(isRequired: Bool) -> Choice {
    if geteuid() == 0 { return .mounts }
    return isRequired || !canMountAsUsual ? .mountsAndUsers : .none
  }

  /// Whether fusermount3 is there, and would have the rights that it needs.
  private static var canMountAsUsual: Bool {
    if vitrine_has_no_new_privileges() != 0 { return false }
    let path = "/usr/bin:/bin:/usr/local/bin" + (HostEnvironment.value(of: "PATH").map { ":" + $0 } ?? "")
    return path.split(separator: ":").contains { folder in
      var status = stat()
      let program = "\(folder)/fusermount3"
      // Safe: C strings, and a stat.
      return unsafe stat(program, &status) == 0 && status.st_mode & S_ISUID != 0 && status.st_uid == 0
        && access(program, X_OK) == 0
    }
  }

  /// Enters one. Only for a process with one thread.
  /// - Returns: what was entered: root may be in a container that lets nobody mount but in a user namespace.
  /// - Throws: where that fails; this process is then good for nothing but to say so.
  static func enter(_ choice: Choice, isRequired: Bool) throws(MountError) -> Choice {
    switch choice {
    case .none: return choice
    case .mounts:
      if unshare(newMounts) == 0 {
        try detach()
        return choice
      }
      return try enter(.mountsAndUsers, isRequired: isRequired)
    case .mountsAndUsers:
      let (user, group) = (geteuid(), getegid())
      guard unshare(newUsers | newMounts) == 0 else {
        let number = errno
        guard isRequired || user != 0 else { return .none }
        throw MountError(
          .notPermitted,
          isRequired
            ? "this system gives no mount namespace (\(String(errno: number))); leave out --private"
            : "fusermount3 is missing, or has no rights here, and this system gives no user namespace "
              + "(\(String(errno: number))); install fuse3")
      }
      do {
        try write("deny", to: "/proc/self/setgroups")
        try write("\(user) \(user) 1", to: "/proc/self/uid_map")
        try write("\(group) \(group) 1", to: "/proc/self/gid_map")
      } catch {
        throw MountError(.notPermitted, "cannot set up a user namespace: \(error)")
      }
      try detach()
      return choice
    }
  }

  private static func write(_ text: String, to path: FilePath) throws {
    let file = try FileDescriptor.open(path, .writeOnly, options: .closeOnExec)
    _ = try file.closeAfter { try file.writeAll(text.utf8) }
  }

  /// Nothing that is mounted here from now on is seen outside; what is unmounted outside goes here, too.
  private static func detach() throws(MountError) {
    // Safe: C strings.
    guard unsafe mount("none", "/", nil, recursive | slave, nil) == 0 else {
      throw MountError(.system, "cannot set up a mount namespace: \(String(errno: errno))")
    }
  }
}

/// CLONE_NEWNS and CLONE_NEWUSER of <sched.h>, MS_REC and MS_SLAVE of <sys/mount.h>, which Glibc's module leaves out or
/// has with other types.
private let newMounts: CInt = 0x2_0000
private let newUsers: CInt = 0x1000_0000
private let recursive: UInt = 0x4000
private let slave: UInt = 1 << 19
