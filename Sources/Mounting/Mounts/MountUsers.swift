internal import Glibc
internal import SystemPackage

/// Finds who keeps a mount busy, as far as /proc shows it to whoever asks.
enum MountUsers {
  private static let limit = 5

  /// "name (pid)" of processes that have a file open, run, or stand below `path`: a few, the rest as "…".
  static func find(under path: String) -> [String] {
    var found: [String] = []
    for process in names(in: "/proc") where Int32(process) != nil {
      let base = "/proc/\(process)"
      let links = ["\(base)/cwd", "\(base)/root", "\(base)/exe"] + names(in: "\(base)/fd").map { "\(base)/fd/\($0)" }
      guard links.contains(where: { isBelow(path, target(of: $0)) }) else { continue }
      if found.count == limit { return found + ["…"] }
      found.append(describe(process))
    }
    return found
  }

  /// The same of processes in other mount namespaces, one of each, in which the filesystem is mounted still.
  /// - Parameter device: as `MountTable.Entry` has it.
  static func findNamespaces(holding device: String, type: String) -> [String] {
    var found: [String] = []
    var seen = Set([target(of: "/proc/self/ns/mnt")])
    for process in names(in: "/proc") where Int32(process) != nil {
      guard let namespace = target(of: "/proc/\(process)/ns/mnt"), seen.insert(namespace).inserted,
        let table = MountTable.of(process), table.entries.contains(where: { $0.device == device && $0.type == type })
      else { continue }
      if found.count == limit { return found + ["…"] }
      found.append(describe(process))
    }
    return found
  }

  private static func describe(_ process: String) -> String {
    let name = SmallFile.bytes(of: FilePath("/proc/\(process)/comm")).flatMap {
      String(decoding: $0, as: UTF8.self).split(separator: "\n").first
    }
    return "\(name ?? "process") (\(process))"
  }

  private static func isBelow(_ path: String, _ target: String?) -> Bool {
    guard let target else { return false }
    return target == path || target.hasPrefix(path + "/")
  }

  private static func names(in path: String) -> [String] {
    // Safe: a C string, and entries are valid until the next call.
    guard let folder = unsafe opendir(path) else { return [] }
    defer { unsafe closedir(folder) }
    var names: [String] = []
    while let entry = unsafe readdir(folder) { names.append(unsafe FolderEntry.name(entry)) }
    return names.filter { $0 != "." && $0 != ".." }
  }

  private static func target(of link: String) -> String? {
    var bytes = [UInt8](repeating: 0, count: 4096)
    // Safe: readlink writes at most the array's size.
    let count = unsafe bytes.withUnsafeMutableBytes {
      guard let start = $0.baseAddress else { return 0 }
      return unsafe readlink(link, start.assumingMemoryBound(to: CChar.self), $0.count)
    }
    return count < 0 ? nil : String(decoding: bytes.prefix(count), as: UTF8.self)
  }
}

enum FolderEntry {
  /// The name of what readdir(3) gave.
  @unsafe static func name(_ entry: UnsafeMutablePointer<dirent>) -> String {
    // Safe: the name ends in NUL.
    unsafe withUnsafePointer(to: &entry.pointee.d_name) {
      unsafe String(cString: UnsafeRawPointer($0).assumingMemoryBound(to: CChar.self))
    }
  }
}
