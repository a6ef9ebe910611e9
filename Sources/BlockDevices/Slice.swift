public import Bytes

/// A contiguous part of a device: a partition, or what `offset=` and `sizelimit=` select.
///
/// Its size is what the table says. Where the device below is shorter (an image cut short), reading the missing
/// part is an error, and the rest reads as ever.
public final class Slice: BlockDevice {
  public let base: any BlockDevice
  /// Byte offset in `base`.
  public let start: UInt64
  public let size: UInt64

  /// Fails where `start + size` overflows.
  public init?(of base: any BlockDevice, start: UInt64, size: UInt64) {
    guard !start.addingReportingOverflow(size).overflow else { return nil }
    self.base = base
    self.start = start
    self.size = size
  }

  /// How many bytes from the start of the slice `base` really has.
  public var availableSize: UInt64 { min(size, base.size - min(start, base.size)) }

  public func read(_ count: Int, at offset: UInt64, into out: inout OutputRawSpan) throws(ReadError) {
    guard contains(UInt64(count), at: offset) else { throw .truncated("data", at: offset) }
    try base.read(count, at: start + offset, into: &out)
  }

  public func resolve(_ range: Range<UInt64>, into extents: inout HostExtentList) throws(ReadError) {
    guard range.upperBound <= size else { throw .truncated("data", at: range.upperBound) }
    try base.resolve((start + range.lowerBound)..<(start + range.upperBound), into: &extents)
  }
}
