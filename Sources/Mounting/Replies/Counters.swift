internal import Synchronization

/// What a session has done, for `--stats` and for tests. Each number only ever grows.
public final class Counters: Sendable {
  public enum Key: Int, CaseIterable, Sendable {
    case lookup, attributes, link, open, read, list, listPlus, statistics, extendedAttribute, seek
    /// Requests that one thread answered while it was alone.
    case alone
    case errors
    /// READs answered by reference, through memory, and with zeros alone.
    case splicedReplies, copiedReplies, zeroReplies
    /// Bytes of file contents that went to the kernel by reference, through this program's memory, and as holes.
    case bytesSpliced, bytesCopied, bytesZero

    /// As `--stats` prints it.
    public var name: String {
      switch self {
      case .lookup: "requests_lookup"
      case .attributes: "requests_getattr"
      case .link: "requests_readlink"
      case .open: "requests_open"
      case .read: "requests_read"
      case .list: "requests_readdir"
      case .listPlus: "requests_readdirplus"
      case .statistics: "requests_statfs"
      case .extendedAttribute: "requests_xattr"
      case .seek: "requests_lseek"
      case .alone: "requests_alone"
      case .errors: "replies_error"
      case .splicedReplies: "replies_spliced"
      case .copiedReplies: "replies_copied"
      case .zeroReplies: "replies_zero"
      case .bytesSpliced: "bytes_spliced"
      case .bytesCopied: "bytes_copied"
      case .bytesZero: "bytes_zero"
      }
    }
  }

  private let cells: [18 of Atomic<UInt64>]

  public init() { cells = InlineArray { _ in Atomic(0) } }

  public subscript(key: Key) -> UInt64 { cells[key.rawValue].load(ordering: .relaxed) }

  func add(_ amount: UInt64 = 1, to key: Key) {
    cells[key.rawValue].wrappingAdd(amount, ordering: .relaxed)
  }

  /// One `key value` line for each number, in an order that never changes.
  public var lines: [String] { Key.allCases.map { "\($0.name) \(self[$0])" } }
}
