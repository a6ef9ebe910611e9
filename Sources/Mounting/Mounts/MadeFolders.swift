internal import CFuse
internal import Glibc
internal import SystemPackage

/// The folders that were made for a mount point, which go with the mount.
public struct MadeFolders: Sendable {
  private struct Folder {
    let path: String
    let device: dev_t
    let number: ino_t
  }

  /// Inner ones first.
  private var folders: [Folder] = []

  /// None.
  public init() {}

  /// Makes `path`, and the folders above it that are missing. What exists stays as it is, and is not taken away.
  ///
  /// - Throws: after taking away what was made.
  public init(making path: String) throws(MountError) {
    var missing: [FilePath] = []
    var rest = FilePath(path)
    while !rest.isEmpty, rest.lastComponent != nil, !Self.exists(rest.string) {
      missing.append(rest)
      rest.removeLastComponent()
    }
    for folder in missing.reversed() {
      // Safe: a C string.
      if unsafe mkdir(folder.string, 0o777) == 0 {
        // ".." behind a folder that was not there names no folder of its own.
        if let made = Self.identify(folder.string) { folders.insert(made, at: 0) }
      } else if errno != EEXIST {
        let number = errno
        remove()
        throw MountError(
          number == EACCES || number == EPERM ? .notPermitted : .mountPoint,
          "cannot make the folder \(folder): \(String(errno: number))")
      }
    }
    // For who unmounts after the server was killed, where the folder's filesystem keeps such a mark.
    if let first = folders.first {
      let count = Array("\(folders.count)".utf8)
      // Safe: C strings, and the array's bytes.
      _ = unsafe count.withUnsafeBytes { unsafe setxattr(first.path, Self.mark, $0.baseAddress, $0.count, 0) }
    }
  }

  private static let mark = "user.vitrine.made"

  private static func exists(_ path: String) -> Bool {
    var status = stat()
    // Safe: a C string, and a stat.
    return unsafe lstat(path, &status) == 0 || errno != ENOENT
  }

  private static func identify(_ path: String) -> Folder? {
    var status = stat()
    // The server looks from another working directory.
    guard let whole = try? MountPoint.resolve(path) else { return nil }
    // Safe: a C string, and a stat.
    guard unsafe lstat(whole, &status) == 0 else { return nil }
    return Folder(path: whole, device: status.st_dev, number: status.st_ino)
  }

  /// Takes away those that are still there and empty; to be called when nothing is mounted on them any more.
  public mutating func remove() {
    for folder in folders {
      var status = stat()
      // Safe: C strings, and a stat.
      guard unsafe lstat(folder.path, &status) == 0, status.st_dev == folder.device, status.st_ino == folder.number,
        unsafe rmdir(folder.path) == 0
      else { break }
    }
    folders = []
  }

  /// Takes away what a server that was killed had made for its mount at `path`, which is unmounted now.
  static func removeMarked(at path: String) {
    var value = [UInt8](repeating: 0, count: 8)
    // Safe: the call writes at most the array's size.
    let length = unsafe value.withUnsafeMutableBytes { unsafe getxattr(path, mark, $0.baseAddress, $0.count) }
    guard length > 0, let count = Int(String(decoding: value.prefix(length), as: UTF8.self)) else { return }
    var folder = FilePath(path)
    for _ in 0..<min(max(count, 0), 64) {
      // Safe: a C string.
      guard unsafe rmdir(folder.string) == 0 else { return }
      folder.removeLastComponent()
    }
  }
}
