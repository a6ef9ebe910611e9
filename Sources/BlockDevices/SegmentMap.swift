public import Bytes

/// Devices, and holes, one behind the other: the parts of a split image, the extents of a VMDK.
public final class SegmentMap: ExtentMap, UnitDecoder {
  public struct Segment: Sendable {
    /// Index into the map's sources; nil for a hole.
    public let source: Int?
    /// Byte offset in the source; 0 for a hole.
    public let offset: UInt64
    /// Bytes.
    public let length: UInt64

    public init(source: Int?, offset: UInt64 = 0, length: UInt64) {
      self.source = source
      self.offset = offset
      self.length = length
    }
  }

  public let sources: [any BlockDevice]
  public let size: UInt64
  private let segments: [Segment]
  /// Byte offset of each segment's start, ascending.
  private let starts: [UInt64]

  /// - Throws: `.corrupt` where the lengths, or an offset and a length, add up to more than 2⁶⁴ bytes.
  public init(_ segments: [Segment], of sources: [any BlockDevice]) throws(ReadError) {
    var kept: [Segment] = []
    var starts: [UInt64] = []
    var end: UInt64 = 0
    for segment in segments where segment.length > 0 {
      _ = try segment.offset.adding(segment.length, of: "extent of the disk")
      kept.append(segment)
      starts.append(end)
      end = try end.adding(segment.length, of: "extents of the disk")
    }
    self.segments = kept
    self.starts = starts
    self.sources = sources
    size = end
  }

  public func map(_ range: Range<UInt64>, into extents: inout ExtentList) throws(ReadError) {
    var index = self.index(at: range.lowerBound)
    var position = range.lowerBound
    while position < range.upperBound && !extents.isFull && index < segments.count {
      let segment = segments[index]
      let skipped = position - starts[index]
      let length = min(segment.length - skipped, range.upperBound - position)
      if let source = segment.source {
        extents.append(.mapped(source: source, offset: segment.offset + skipped), length: length)
      } else {
        extents.append(.hole, length: length)
      }
      position += length
      index += 1
    }
  }

  public func decode(_ unit: EncodedUnit, into out: inout OutputRawSpan) throws(ReadError) {
    throw .corrupt("extent of the disk", at: unit.id)
  }

  /// The segment that holds `offset`.
  private func index(at offset: UInt64) -> Int {
    max(starts.indices.partitioningIndex { starts[$0] > offset } - 1, 0)
  }
}
