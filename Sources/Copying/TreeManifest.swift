public import Browsing
public import Bytes
internal import FileSystems

/// Lists a part of a tree with the digests of its files, which are made by several threads and told in order.
public final class TreeManifest {
  /// Something that is listed.
  public struct Item: Sendable {
    /// Below the start, with slashes between; empty for the start itself.
    public let path: [UInt8]
    public let facts: NodeFacts
    /// nil for what is no regular file, and where none is wanted.
    public var digest: [UInt8]?
    public var target: [UInt8]?
    /// Why something is missing that should be here.
    public var failure: ReadError?
  }

  public enum Event: Sendable {
    case item(Item)
    /// What `path` names could not be read, or the rest of the folder could not be listed.
    case failed(ReadError, path: [UInt8])
  }

  private var walk: TreeWalk
  private let pool: OrderedPool<Event, Event>
  private var isAtEnd = false

  /// Files of which digests are made or wait.
  private static let window = 256

  /// - Parameter algorithm: nil for no digests.
  public init(of tree: Tree, from start: NodeFacts, algorithm: DigestAlgorithm?, threads: Int) {
    var options = TreeWalk.Options()
    options.order = .byName()
    walk = TreeWalk(of: tree, from: start, named: [], options: options)
    pool = OrderedPool(threads: threads) { event in
      guard case .item(var item) = event else { return event }
      do throws(ReadError) {
        switch item.facts.attributes.type {
        case .regular:
          if let algorithm { item.digest = try ContentDigest.digest(of: tree.file(item.facts.number), algorithm) }
        case .symbolicLink: item.target = try tree.linkTarget(of: item.facts.number)
        default: break
        }
      } catch { item.failure = error }
      return .item(item)
    }
  }

  deinit { pool.close() }

  /// The next event; nil at the end.
  public func next() -> Event? {
    while !isAtEnd && pool.count < Self.window {
      guard let event = walk.next() else {
        isAtEnd = true
        break
      }
      let path = Array(walk.path.drop { $0 == UInt8(ascii: "/") })
      switch event {
      case .node(let node):
        if let facts = node.facts { pool.add(.item(Item(path: path, facts: facts))) }
      case .left: break
      case .failed(let error): pool.add(.failed(error, path: path))
      }
    }
    return pool.next()
  }
}
