public import Bytes

/// Where a run of bytes is to be had on the host, with all layers composed.
public struct HostExtent: Sendable {
  public enum Kind: Sendable {
    /// Reads as zeros.
    case hole
    /// The bytes at `offset` of a host file.
    case host(HostFile, offset: UInt64)
    /// The bytes from `skip` on of what the unit decodes to.
    case encoded(DecodableUnit, skip: Int)
  }

  public let kind: Kind
  /// Bytes; never 0.
  public let length: UInt64

  public init(_ kind: Kind, length: UInt64) {
    self.kind = kind
    self.length = length
  }
}

/// The answer to one `resolve`: ascending, contiguous, bounded in number like `ExtentList`.
public struct HostExtentList: Sendable {
  public private(set) var extents: [HostExtent] = []
  /// Bytes covered so far.
  public private(set) var length: UInt64 = 0
  public let limit: Int
  /// Whether holes of the host file itself are to be told too. A read does not need to know (they read as zeros
  /// anyway, and finding them costs system calls); SEEK_HOLE, SEEK_DATA and allocated sizes of raw devices do.
  public let findsHostHoles: Bool

  public init(limit: Int = 256, findsHostHoles: Bool = false) {
    self.limit = limit
    self.findsHostHoles = findsHostHoles
    extents.reserveCapacity(limit)
  }

  public var isFull: Bool { extents.count >= limit }

  /// Empties the list, keeping its memory.
  public mutating func removeAll() {
    extents.removeAll(keepingCapacity: true)
    length = 0
  }

  /// Appends an extent; an empty one is ignored, one that continues its predecessor is merged with it.
  public mutating func append(_ kind: HostExtent.Kind, length added: UInt64) {
    guard added > 0 else { return }
    length += added
    if let last = extents.last, let merged = last.merged(with: kind, length: added) {
      extents[extents.count - 1] = merged
    } else {
      extents.append(HostExtent(kind, length: added))
    }
  }
}

extension HostExtent {
  fileprivate func merged(with next: Kind, length added: UInt64) -> HostExtent? {
    switch (kind, next) {
    case (.hole, .hole):
      HostExtent(kind, length: length + added)
    case (.host(let file, let offset), .host(let other, let follower))
    where file === other && offset &+ length == follower:
      HostExtent(kind, length: length + added)
    default: nil
    }
  }
}

extension HostExtent {
  /// Appends the extent's bytes to `out`, which has room for them.
  public func read(into out: inout OutputRawSpan) throws(ReadError) {
    let count = Int(length)
    switch kind {
    case .hole: out.append(zeros: count)
    case .host(let file, let offset): try file.read(count, at: offset, into: &out)
    case .encoded(let unit, let skip): try unit.read(skip..<(skip + count), into: &out)
    }
  }

  /// The extent's bytes in memory of their own: for small ones.
  public func bytes() throws(ReadError) -> [UInt8] {
    try .filled(Int(length)) { (out) throws(ReadError) in try read(into: &out) }
  }
}
