internal import Bytes
internal import Logging
internal import Synchronization

/// Nodes that something was said about already: the kernel asks again for every page of a file that cannot be read.
final class FailedNodes: Sendable {
  /// Bounded, as an image may hold any number of bad files.
  private static let limit = 1024
  private let numbers = Mutex<Set<UInt64>>([])

  /// Says what is wrong with a node, once.
  func report(_ error: ReadError, node: UInt64, statNumber: UInt64, to log: Logger) {
    let isNew = numbers.withLock { numbers in
      guard numbers.count < Self.limit else { return false }
      return numbers.insert(node).inserted
    }
    if isNew { log.warning("inode \(statNumber): \(error)") }
  }
}
