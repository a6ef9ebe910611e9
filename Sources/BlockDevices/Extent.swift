/// What a layer says of a run of its bytes, one level down (as Linux's iomap has it).
public struct Extent: Sendable {
  public enum Kind: Sendable, Equatable {
    /// Nothing is stored: reads as zeros.
    case hole
    /// Space is allocated, but was never written: reads as zeros.
    case unwritten
    /// The bytes are those at `offset` of the lower device `source` (an index into the map's `sources`).
    case mapped(source: Int, offset: UInt64)
    /// The bytes are those from `skip` on of what the unit decodes to.
    case encoded(EncodedUnit, skip: Int)
  }

  public let kind: Kind
  /// Bytes; never 0.
  public let length: UInt64
  /// Where space that was never written is allocated on the first lower device, where the layer tells that. Nothing is
  /// ever read there.
  public let reserved: UInt64?

  public init(_ kind: Kind, length: UInt64, reserved: UInt64? = nil) {
    self.kind = kind
    self.length = length
    self.reserved = reserved
  }
}

/// The answer to one `map`: extents in ascending order, each beginning where the one before ends.
///
/// Has a limit, so that no file, however fragmented, can make an answer grow without bound. A layer fills it in a
/// loop `while position < end && !extents.isFull`.
public struct ExtentList: Sendable {
  public private(set) var extents: [Extent] = []
  /// Bytes covered so far.
  public private(set) var length: UInt64 = 0
  public let limit: Int

  public init(limit: Int = 256) {
    self.limit = limit
    extents.reserveCapacity(limit)
  }

  public var isFull: Bool { extents.count >= limit }

  /// Empties the list, keeping its memory.
  public mutating func removeAll() {
    extents.removeAll(keepingCapacity: true)
    length = 0
  }

  /// Appends an extent; an empty one is ignored, one that continues its predecessor is merged with it.
  public mutating func append(_ kind: Extent.Kind, length added: UInt64, reserved: UInt64? = nil) {
    guard added > 0 else { return }
    length += added
    if let last = extents.last, let merged = last.merged(with: kind, length: added, reserved: reserved) {
      extents[extents.count - 1] = merged
    } else {
      extents.append(Extent(kind, length: added, reserved: reserved))
    }
  }
}

extension Extent {
  fileprivate func merged(with next: Kind, length added: UInt64, reserved place: UInt64?) -> Extent? {
    switch (kind, next) {
    case (.hole, .hole):
      Extent(kind, length: length + added)
    case (.unwritten, .unwritten) where place == reserved.map { $0 &+ length }:
      Extent(kind, length: length + added, reserved: reserved)
    case (.mapped(let source, let offset), .mapped(let other, let follower))
    where source == other && offset &+ length == follower:
      Extent(kind, length: length + added)
    default: nil
    }
  }
}
