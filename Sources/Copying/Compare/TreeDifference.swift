internal import BlockDevices
public import Browsing
public import Bytes
public import FileSystems
public import SystemPackage

/// The differences of two trees, in order of names: parts of images, or folders of the host.
public final class TreeDifference {
  /// What two nodes of one name can differ in.
  public enum Aspect: String, Sendable, CaseIterable {
    case type, content, mode, owner, xattrs, times
  }

  public enum Change: Sendable {
    case added(Attributes)
    case removed(Attributes)
    case changed([Aspect], Attributes, Attributes)
  }

  public enum Event: Sendable {
    /// Below the start, with slashes between; empty for the start itself.
    case difference(Change, path: [UInt8])
    /// What could not be compared, and on which side: 0 or 1.
    case failed(ReadError, path: [UInt8], side: Int)
  }

  /// One of the two.
  public enum Side {
    case image(Tree, NodeFacts)
    /// The path of a folder; symbolic links in it are followed.
    case folder([UInt8])
  }

  private let sides: [any ComparedSide]
  private let aspects: Set<Aspect>
  private var heads: [ComparedEvent?] = [nil, nil]
  private var isAtEnd = [false, false]
  private var waiting: [Event] = []

  /// - Parameter aspects: what counts as a difference.
  public init(_ first: Side, _ second: Side, aspects: Set<Aspect>) throws(Errno) {
    self.aspects = aspects
    sides = [try Self.side(first), try Self.side(second)]
  }

  private static func side(_ side: Side) throws(Errno) -> any ComparedSide {
    switch side {
    case .image(let tree, let start): ImageSide(tree, from: start)
    case .folder(let path): HostSide(try HostFolder(opening: path))
    }
  }

  /// The next difference; nil at the end.
  public func next() -> Event? {
    while !Interruption.isNoted {
      if !waiting.isEmpty { return waiting.removeFirst() }
      for side in 0...1 where heads[side] == nil && !isAtEnd[side] {
        heads[side] = sides[side].next()
        isAtEnd[side] = heads[side] == nil
      }
      switch (heads[0], heads[1]) {
      case (nil, nil): return nil
      case (let first?, nil): tell(first, side: 0)
      case (nil, let second?): tell(second, side: 1)
      case (let first?, let second?):
        // What could not be read is told of first: it is nothing to compare with.
        if case .failed = first {
          tell(first, side: 0)
        } else if case .failed = second {
          tell(second, side: 1)
        } else if Self.precedes(first.path, second.path) {
          tell(first, side: 0)
        } else if Self.precedes(second.path, first.path) {
          tell(second, side: 1)
        } else {
          heads = [nil, nil]
          if case .node(let one) = first, case .node(let other) = second { compare(one, other) }
        }
      }
    }
    return nil
  }

  private func tell(_ event: ComparedEvent, side: Int) {
    heads[side] = nil
    switch event {
    case .failed(let error, let path): waiting.append(.failed(error, path: path, side: side))
    case .node(let node):
      waiting.append(
        .difference(side == 0 ? .removed(node.attributes) : .added(node.attributes), path: node.path))
    }
  }

  /// The order in which trees are gone through: a slash comes before everything else.
  static func precedes(_ first: [UInt8], _ second: [UInt8]) -> Bool {
    for (one, other) in zip(first, second) where one != other {
      if one == UInt8(ascii: "/") { return true }
      if other == UInt8(ascii: "/") { return false }
      return one < other
    }
    return first.count < second.count
  }

  private func compare(_ first: any ComparedNode, _ second: any ComparedNode) {
    var differing: [Aspect] = []
    let one = first.attributes
    let other = second.attributes
    func compare(_ aspect: Aspect, _ areEqual: () throws(ReadError) -> Bool) {
      guard aspects.contains(aspect) else { return }
      do throws(ReadError) { if try !areEqual() { differing.append(aspect) } } catch {
        waiting.append(.failed(error, path: first.path, side: 0))
      }
    }
    if one.type != other.type {
      compare(.type) { false }
    } else {
      compare(.content) { () throws(ReadError) in try haveEqualContents(first, second) }
    }
    compare(.mode) { one.permissions == other.permissions }
    compare(.owner) { one.owner == other.owner && one.group == other.group }
    compare(.xattrs) { () throws(ReadError) in
      let (some, others) = (try first.extendedAttributes(), try second.extendedAttributes())
      return some.count == others.count && zip(some, others).allSatisfy { $0.name == $1.name && $0.value == $1.value }
    }
    compare(.times) { one.modified == other.modified }
    if !differing.isEmpty { waiting.append(.difference(.changed(differing, one, other), path: first.path)) }
  }

  /// Of two nodes of one type.
  private func haveEqualContents(_ first: any ComparedNode, _ second: any ComparedNode) throws(ReadError) -> Bool {
    switch first.attributes.type {
    case .regular:
      guard first.attributes.size == second.attributes.size else { return false }
      return try ContentComparison.areEqual(first.contents(), second.contents())
    case .symbolicLink: return try first.linkTarget() == second.linkTarget()
    case .characterDevice, .blockDevice: return first.attributes.deviceNumber == second.attributes.deviceNumber
    case .directory, .fifo, .socket: return true
    }
  }
}
