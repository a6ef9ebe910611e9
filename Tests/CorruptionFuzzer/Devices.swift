import BlockDevices
import Bytes

/// Notes which bytes a driver reads: what it reads of an image without reading files is the metadata.
final class RecordingDevice: BlockDevice, @unchecked Sendable {
  private let base: any BlockDevice
  /// Only this process's one thread reads.
  private(set) var ranges: Set<Range<UInt64>> = []

  init(_ base: any BlockDevice) { self.base = base }

  var size: UInt64 { base.size }

  func read(_ count: Int, at offset: UInt64, into out: inout OutputRawSpan) throws(ReadError) {
    try base.read(count, at: offset, into: &out)
    if count > 0 { ranges.insert(offset..<(offset + UInt64(count))) }
  }

  func resolve(_ range: Range<UInt64>, into extents: inout HostExtentList) throws(ReadError) {
    try base.resolve(range, into: &extents)
  }
}

/// A device with some bytes changed and, it may be, its end cut off.
final class MutatedDevice: BlockDevice, UnitDecoder {
  private let base: any BlockDevice
  let edits: [Edit]
  let size: UInt64

  struct Edit: Sendable {
    let offset: UInt64
    let bytes: [UInt8]
  }

  init(_ base: any BlockDevice, edits: [Edit], size: UInt64) {
    self.base = base
    self.edits = edits
    self.size = size
  }

  func read(_ count: Int, at offset: UInt64, into out: inout OutputRawSpan) throws(ReadError) {
    guard contains(UInt64(count), at: offset) else { throw .truncated("data", at: offset) }
    let end = offset + UInt64(count)
    var bytes = try base.bytes(count, at: offset)
    for edit in edits {
      let start = max(edit.offset, offset)
      let stop = min(edit.offset + UInt64(edit.bytes.count), end)
      guard start < stop else { continue }
      for position in start..<stop { bytes[Int(position - offset)] = edit.bytes[Int(position - edit.offset)] }
    }
    out.append(contentsOf: bytes.rawSpan)
  }

  func resolve(_ range: Range<UInt64>, into extents: inout HostExtentList) throws(ReadError) {
    guard range.upperBound <= size else { throw .truncated("data", at: range.upperBound) }
    var position = range.lowerBound
    while position < range.upperBound && !extents.isFull {
      let length = min(range.upperBound - position, 1 << 20)
      let unit = EncodedUnit(position, size: Int(length))
      extents.append(.encoded(DecodableUnit(unit, of: self, in: nil), skip: 0), length: length)
      position += length
    }
  }

  func decode(_ unit: EncodedUnit, into out: inout OutputRawSpan) throws(ReadError) {
    try read(unit.size, at: unit.id, into: &out)
  }
}
