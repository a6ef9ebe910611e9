internal import BlockDevices
internal import Bytes

/// How the bytes of one READ go to the kernel.
enum ReplyMethod: Equatable {
  /// Nothing is stored: zeros from memory that all replies share.
  case zeros
  /// Through a pipe, by reference, with what cannot go so copied into the pipe.
  case pipe
  /// Through memory.
  case copy

  /// Bytes of a page of the host.
  static let pageSize: UInt64 = 4096

  /// Whether an extent goes into a pipe by reference: whole pages of the host's cache, and enough of them for that
  /// to cost less than the copy. One that starts inside a page would take two places in the pipe for each page.
  static func isSpliced(_ extent: HostExtent) -> Bool {
    guard case .host(_, let offset) = extent.kind else { return false }
    return offset % pageSize == 0 && extent.length >= 2 * pageSize
  }

  /// - Parameter slots: pages that the pipe has room for.
  init(for extents: [HostExtent], slots: Int) {
    var total: UInt64 = 0
    var spliced: UInt64 = 0
    var stored = false
    var needed: UInt64 = 0
    for extent in extents {
      total += extent.length
      if case .hole = extent.kind {} else { stored = true }
      needed += extent.length.roundedUp(toMultipleOf: Self.pageSize) / Self.pageSize
      if Self.isSpliced(extent) { spliced += extent.length } else { needed += 1 }
    }
    if !stored {
      self = .zeros
    } else if spliced >= total - spliced && needed <= UInt64(slots) {
      self = .pipe
    } else {
      self = .copy
    }
  }
}
