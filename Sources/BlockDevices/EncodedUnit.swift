public import Bytes
internal import Synchronization

/// A run of stored bytes that can be decoded as a whole only: a compressed cluster or block, a packed tail, data in an
/// inode.
public struct EncodedUnit: Hashable, Sendable {
  /// Tells it from its decoder's other units: where it is stored, most often.
  public let id: UInt64
  /// What else its decoder has to know to find and decode it without looking it up again: the stored length, a codec.
  public let detail: UInt64
  /// Bytes that it decodes to at most. Most formats say exactly how many there are, and less is then an error of
  /// `decode`; where a format does not, whoever reads past what was decoded meets an error.
  public let size: Int

  public init(_ id: UInt64, detail: UInt64 = 0, size: Int) {
    self.id = id
    self.detail = detail
    self.size = size
  }
}

/// What decodes units. They are cached by its identity: it must outlive whoever reads of it, as the layers of a stack do.
public protocol UnitDecoder: AnyObject, Sendable {
  /// Appends the decoded bytes of a unit that its `map` named: `unit.size` of them, or at most as many where the format
  /// does not say how many there are.
  func decode(_ unit: EncodedUnit, into out: inout OutputRawSpan) throws(ReadError)
}

/// A unit, what decodes it, and where it is kept once it is decoded.
public struct DecodableUnit: Sendable {
  public let unit: EncodedUnit
  public let decoder: any UnitDecoder
  public let cache: UnitCache?

  /// - Parameter cache: nil to decode it anew each time.
  public init(_ unit: EncodedUnit, of decoder: any UnitDecoder, in cache: UnitCache?) {
    self.unit = unit
    self.decoder = decoder
    self.cache = cache
  }

  /// Whether it is kept once it is decoded, so that to decode it ahead is of use.
  public var isCached: Bool { cache?.keeps(unit) ?? false }

  /// The decoded bytes, at most `unit.size`: from the cache, or decoded now.
  public func decoded() throws(ReadError) -> DecodedBytes {
    guard let cache else { return try decodedAnew() }
    return try cache.bytes(of: unit, from: decoder)
  }

  func decodedAnew() throws(ReadError) -> DecodedBytes {
    IOStatistics.unitsDecoded.wrappingAdd(1, ordering: .relaxed)
    return try DecodedBytes(capacity: unit.size) { (out) throws(ReadError) in try decoder.decode(unit, into: &out) }
  }

  /// Appends the bytes `part` of the decoded unit.
  public func read(_ part: Range<Int>, into out: inout OutputRawSpan) throws(ReadError) {
    if isCached || part != 0..<unit.size {
      try decoded().append(part, to: &out)
    } else {
      IOStatistics.unitsDecoded.wrappingAdd(1, ordering: .relaxed)
      let before = out.byteCount
      try decoder.decode(unit, into: &out)
      guard out.byteCount - before == part.count else { throw .corrupt("decoded unit", at: unit.id) }
    }
  }
}
