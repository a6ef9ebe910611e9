import BlockDevices
import Bytes
import Synchronization
import TestSupport

/// A device in memory that counts what is read of it.
final class MemoryDevice: MadeDevice {
  let contents: [UInt8]
  let reads = Atomic<Int>(0)

  init(_ contents: [UInt8]) { self.contents = contents }

  var size: UInt64 { UInt64(contents.count) }

  func read(_ count: Int, at offset: UInt64, into out: inout OutputRawSpan) throws(ReadError) {
    guard contains(UInt64(count), at: offset) else { throw .truncated("data", at: offset) }
    reads.add(1, ordering: .relaxed)
    let part = Array(contents[Int(offset)..<(Int(offset) + count)])
    out.append(contentsOf: part.rawSpan)
  }
}

/// A map made of given extents, and its contents by the definition of each kind: what composition is held against.
final class SyntheticMap: ExtentMap, UnitDecoder {
  let extents: [Extent]
  let sources: [any BlockDevice]
  let size: UInt64
  let expected: [UInt8]

  /// Unit `n` decodes to bytes that start at `n` and go on counting.
  static func unit(_ number: UInt64, size: Int) -> [UInt8] {
    (0..<size).map { UInt8(truncatingIfNeeded: Int(number) + $0 * 7) }
  }

  init(_ extents: [Extent], over sources: [MemoryDevice]) {
    self.extents = extents
    self.sources = sources
    size = extents.reduce(0) { $0 + $1.length }
    expected = extents.flatMap { extent -> [UInt8] in
      let length = Int(extent.length)
      return switch extent.kind {
      case .hole, .unwritten: [UInt8](repeating: 0, count: length)
      case .mapped(let source, let offset): Array(sources[source].contents[Int(offset)..<(Int(offset) + length)])
      case .encoded(let unit, let skip): Array(Self.unit(unit.id, size: unit.size)[skip..<(skip + length)])
      }
    }
  }

  func map(_ range: Range<UInt64>, into list: inout ExtentList) throws(ReadError) {
    var start: UInt64 = 0
    for extent in extents {
      defer { start += extent.length }
      let lower = max(range.lowerBound, start)
      let upper = min(range.upperBound, start + extent.length)
      guard lower < upper, !list.isFull else { continue }
      let skipped = lower - start
      let kind: Extent.Kind =
        switch extent.kind {
        case .hole: .hole
        case .unwritten: .unwritten
        case .mapped(let source, let offset): .mapped(source: source, offset: offset + skipped)
        case .encoded(let unit, let skip): .encoded(unit, skip: skip + Int(skipped))
        }
      list.append(kind, length: upper - lower)
    }
  }

  func decode(_ unit: EncodedUnit, into out: inout OutputRawSpan) throws(ReadError) {
    let decoded = Self.unit(unit.id, size: unit.size)
    out.append(contentsOf: decoded.rawSpan)
  }
}
