internal import FileSystems

/// Which of the nodes with several names were met already: for sums and copies in which each counts once.
///
/// A node is forgotten when all its names were met, so that whole trees take little memory; and there is a bound, for
/// trees of which only one of each two names is met.
public struct SeenLinks: Sendable {
  /// What the nodes are kept with is bounded to about 64 MiB.
  public static let limit = 1 << 20

  private var left: [UInt64: UInt32] = [:]
  /// Whether there were more than can be kept: then some may have been taken for new that were not.
  public private(set) var hasOverflowed = false

  public init() {}

  /// Whether this is the first time that `facts` are met.
  public mutating func isNew(_ facts: NodeFacts) -> Bool {
    let count = facts.attributes.linkCount
    guard count > 1, facts.attributes.type != .directory else { return true }
    if let others = left[facts.number] {
      left[facts.number] = others > 1 ? others - 1 : nil
      return false
    }
    guard left.count < Self.limit else {
      hasOverflowed = true
      return true
    }
    left[facts.number] = count - 1
    return true
  }
}
