internal import BlockDevices
internal import Synchronization

/// Memory for the tables of an image and of all its backing files together: it does not grow with their number.
final class TableBudget: Sendable {
  /// Bytes of tables that are held whole, over all files.
  private let left = Mutex(8 << 20)

  /// Whether a table of `size` bytes may be held whole; if so, it counts.
  func take(_ size: UInt64) -> Bool {
    left.withLock { left in
      guard size <= UInt64(left) else { return false }
      left -= Int(size)
      return true
    }
  }
}
