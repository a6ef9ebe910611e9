public import Bytes

/// What an image format, a volume or a filesystem's file tells of itself, one level down.
public protocol ExtentMap: AnyObject, Sendable {
  /// Bytes.
  var size: UInt64 { get }
  /// The lower devices that `mapped` extents name by index.
  var sources: [any BlockDevice] { get }

  /// Tells where the bytes of `range` lie. The same contract as `BlockDevice.resolve`: ascending, contiguous, from
  /// the range's start, covering it unless the list becomes full. Never decodes.
  /// - Precondition: `range` lies within `size`, and is not empty.
  func map(_ range: Range<UInt64>, into extents: inout ExtentList) throws(ReadError)

  /// What decodes the units that `map` names.
  var decoder: any UnitDecoder { get }
}

extension ExtentMap where Self: UnitDecoder {
  public var decoder: any UnitDecoder { self }
}

/// The one place where layers are composed: turns a map into a device.
public final class ComposedDevice<Map: ExtentMap>: BlockDevice {
  public let map: Map
  private let units: UnitCache?

  /// - Parameter units: where decoded units are kept; without, each read decodes what it needs.
  public init(_ map: Map, units: UnitCache? = nil) {
    self.map = map
    self.units = units
  }

  public var size: UInt64 { map.size }

  public func read(_ count: Int, at offset: UInt64, into out: inout OutputRawSpan) throws(ReadError) {
    guard contains(UInt64(count), at: offset) else { throw .truncated("data", at: offset) }
    var extents = ExtentList(limit: 64)
    var position = offset
    let end = offset + UInt64(count)
    while position < end {
      extents.removeAll()
      try map.map(position..<end, into: &extents)
      guard extents.length > 0 else { throw .corrupt("extent map", at: position) }
      for extent in extents.extents {
        let length = Int(extent.length)
        switch extent.kind {
        case .hole, .unwritten:
          out.append(zeros: length)
        case .mapped(let source, let lower):
          try map.sources[source].read(length, at: lower, into: &out)
        case .encoded(let unit, let skip):
          try DecodableUnit(unit, of: map.decoder, in: units).read(skip..<(skip + length), into: &out)
        }
      }
      position += extents.length
    }
  }

  public func resolve(_ range: Range<UInt64>, into host: inout HostExtentList) throws(ReadError) {
    guard range.upperBound <= size else { throw .truncated("data", at: range.upperBound) }
    var extents = ExtentList(limit: 64)
    var position = range.lowerBound
    while position < range.upperBound && !host.isFull {
      extents.removeAll()
      try map.map(position..<range.upperBound, into: &extents)
      guard extents.length > 0 else { throw .corrupt("extent map", at: position) }
      for extent in extents.extents {
        let before = host.length
        switch extent.kind {
        case .hole, .unwritten:
          host.append(.hole, length: extent.length)
        case .mapped(let source, let lower):
          let end = try lower.adding(extent.length, of: "extent")
          try map.sources[source].resolve(lower..<end, into: &host)
        case .encoded(let unit, let skip):
          host.append(.encoded(DecodableUnit(unit, of: map.decoder, in: units), skip: skip), length: extent.length)
        }
        let told = host.length - before
        guard told > 0 else { throw .corrupt("extent map", at: position) }
        position += told
        if told < extent.length || host.isFull { break }
      }
    }
  }
}
