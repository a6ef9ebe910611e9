internal import SystemPackage

/// Files that are read as a whole.
enum SmallFile {
  /// The whole of a file under /proc or of a small one elsewhere; nil where it cannot be read. Of one that has
  /// no end, 64 MiB and a little.
  static func bytes(of path: FilePath) -> [UInt8]? {
    guard let file = try? FileDescriptor.open(path, .readOnly, options: .closeOnExec) else { return nil }
    return try? file.closeAfter {
      var bytes: [UInt8] = []
      var chunk = [UInt8](repeating: 0, count: 16384)
      while bytes.count < 64 << 20 {
        // Safe: the call writes at most the array's size.
        let count = try unsafe chunk.withUnsafeMutableBytes { try unsafe file.read(into: $0) }
        if count == 0 { break }
        bytes += chunk.prefix(count)
      }
      return bytes
    }
  }
}
