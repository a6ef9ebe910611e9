internal import Foundation
internal import Glibc

/// What this process may do here, and so which tests can run. Under CI (the variable `CI` is set) everything is
/// expected to be there: nothing is skipped, and what is missing fails.
public enum Privileges {
  public static let isCI = !(ProcessInfo.processInfo.environment["CI"] ?? "").isEmpty

  public static let isRoot = geteuid() == 0

  /// Tests that take minutes: under CI, or with `VITRINE_LONG_TESTS=1`.
  public static let runsLongTests = isCI || ProcessInfo.processInfo.environment["VITRINE_LONG_TESTS"] == "1"

  /// Whether FUSE mounts can be made.
  public static let hasFUSE: Bool = {
    if isUsable("/dev/fuse") { return true }
    print("no access to /dev/fuse: tests of mounts are \(isCI ? "going to fail" : "skipped")")
    return isCI
  }()

  /// Whether the kernel's own ext4 can mount an image: root, a loop device and the driver.
  public static let hasKernelDriver: Bool = {
    let drivers = (try? String(contentsOfFile: "/proc/filesystems", encoding: .utf8)) ?? ""
    let known = drivers.split(separator: "\n").contains { $0.hasSuffix("\text4") }
    if isRoot && known && isUsable("/dev/loop-control") { return true }
    print("the kernel cannot mount images here (root: \(isRoot), ext4: \(known)): comparisons with it are skipped")
    return false
  }()

  private static func isUsable(_ path: String) -> Bool {
    FileManager.default.isReadableFile(atPath: path) && FileManager.default.isWritableFile(atPath: path)
  }
}
