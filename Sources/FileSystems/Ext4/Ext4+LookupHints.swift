internal import Synchronization

/// Remembers for a few directories in which block a name was found last. A wrong hint costs time, and nothing else.
final class Ext4LookupHints: Sendable {
  private static let places = 64
  private let hints = Mutex([(directory: UInt32, block: UInt64)](repeating: (0, 0), count: Ext4LookupHints.places))

  /// 0 where nothing is known.
  subscript(directory: UInt32) -> UInt64 {
    get {
      let hint = hints.withLock { $0[Int(directory) % Self.places] }
      return hint.directory == directory ? hint.block : 0
    }
    set {
      hints.withLock { $0[Int(directory) % Self.places] = (directory, newValue) }
    }
  }
}
