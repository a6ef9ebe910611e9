internal import SystemPackage

/// The kernel's readahead for a mount, which bounds the size of buffered READs: 128 KiB unless somebody raises it, and
/// INIT can only lower it.
enum Readahead {
  /// KiB: room for several READs of the largest size at once.
  private static let kibibytes = 2048

  /// Raises it where this process may (root), for files opened from now on.
  static func raise(for point: MountPoint) {
    guard let device = MountTable.current()?.last(at: point.path)?.device else { return }
    guard
      let file = try? FileDescriptor.open(
        FilePath("/sys/class/bdi/\(device)/read_ahead_kb"), .writeOnly, options: .closeOnExec)
    else { return }
    _ = try? file.closeAfter { try file.writeAll("\(kibibytes)\n".utf8) }
  }
}
