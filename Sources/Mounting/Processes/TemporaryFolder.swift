internal import Bytes
internal import CFuse
internal import Glibc

/// A folder of this person's own, that nobody else sees into.
///
/// Its name is known before it is there: the server makes it, and whichever process outlives the other takes it away.
public struct TemporaryFolder: Sendable {
  let path: String

  /// What a session is to mount on, once the folder is made.
  public var point: MountPoint { MountPoint(mounted: path) }

  /// In $XDG_RUNTIME_DIR, $TMPDIR or /tmp, in this order; the first is only right where it is this person's.
  init() throws(MountError) {
    var problem = ""
    let runtime = HostEnvironment.value(of: "XDG_RUNTIME_DIR").flatMap { Self.isOwn($0) ? $0 : nil }
    for base in [runtime, HostEnvironment.value(of: "TMPDIR"), "/tmp"] {
      guard let base, let whole = try? MountPoint.resolve(base) else { continue }
      // Safe: a C string.
      if unsafe access(whole, W_OK | X_OK) == 0 {
        // As much as nobody guesses.
        path = "\(whole)/vitrine-\(String(UInt64.random(in: 0...UInt64.max), radix: 36))"
        return
      }
      problem = "\(whole): \(String(errno: errno))"
    }
    throw MountError(.system, "cannot make a temporary folder: \(problem)")
  }

  /// - Throws: where it cannot be made, or is there: then it is somebody else's.
  public func make() throws(MountError) {
    // Safe: a C string.
    guard unsafe mkdir(path, 0o700) == 0 else {
      throw MountError(.system, "cannot make a temporary folder: \(path): \(String(errno: errno))")
    }
  }

  private static func isOwn(_ path: String) -> Bool {
    var status = stat()
    // Safe: a C string, and a stat.
    return unsafe stat(path, &status) == 0 && status.st_uid == geteuid() && status.st_mode & 0o022 == 0
  }

  /// Nothing is lost where it is gone already: both the server and who waits for it take it away.
  public func remove() {
    // Safe: a C string.
    _ = unsafe rmdir(path)
  }
}
