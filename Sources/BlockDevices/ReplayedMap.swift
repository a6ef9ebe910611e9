public import Bytes

/// A device as it would be when the writes that its journal or log holds were done: they are done for whoever reads,
/// and never on the device. What the journal holds stays there and is read from there.
public final class ReplayedMap: ExtentMap, UnitDecoder {
  public let size: UInt64
  public let sources: [any BlockDevice]
  private let writes: [PendingWrites.Write]
  private let literals: [UInt8]

  /// - Parameters:
  ///   - device: what is written to. Past its end, what no write reaches reads as zeros.
  ///   - journals: further devices that writes copy from, beginning with source 1.
  ///   - size: bytes, where the writes let the device grow; nil for as many as the device has.
  /// - Throws: `.corrupt` where a write goes past the end, or copies from a device that there is not.
  public init(
    of device: any BlockDevice, with pending: PendingWrites, journals: [any BlockDevice] = [], size: UInt64? = nil
  ) throws(ReadError) {
    self.size = size ?? device.size
    sources = [device] + journals
    guard pending.end <= self.size else { throw .corrupt("journal", at: pending.end) }
    for case .copied(let source, _) in pending.writes.lazy.map(\.content) where !sources.indices.contains(source) {
      throw .corrupt("journal", at: nil)
    }
    writes = pending.flattened()
    literals = pending.literals
  }

  public func map(_ range: Range<UInt64>, into extents: inout ExtentList) throws(ReadError) {
    var index = firstWrite(endingAfter: range.lowerBound)
    var position = range.lowerBound
    while position < range.upperBound && !extents.isFull {
      guard index < writes.count, writes[index].start < range.upperBound else {
        keep(position..<range.upperBound, &extents)
        return
      }
      let write = writes[index]
      if position < write.start {
        keep(position..<write.start, &extents)
        position = write.start
        if extents.isFull { return }
      }
      let end = min(write.end, range.upperBound)
      let skipped = position - write.start
      switch write.content {
      case .zeros:
        extents.append(.unwritten, length: end - position)
      case .copied(let source, let offset):
        extents.append(.mapped(source: source, offset: offset + skipped), length: end - position)
      case .literal(let offset):
        extents.append(
          .encoded(EncodedUnit(UInt64(offset), size: Int(write.end - write.start)), skip: Int(skipped)),
          length: end - position)
      }
      position = end
      index += 1
    }
  }

  public func decode(_ unit: EncodedUnit, into out: inout OutputRawSpan) throws(ReadError) {
    let literals = self.literals
    out.append(contentsOf: try literals.rawSpan.slice(Int(clamping: unit.id), count: unit.size, of: "journal"))
  }

  /// Appends what no write reaches: the device's own bytes, and zeros past its end.
  private func keep(_ range: Range<UInt64>, _ extents: inout ExtentList) {
    let end = min(max(sources[0].size, range.lowerBound), range.upperBound)
    extents.append(.mapped(source: 0, offset: range.lowerBound), length: end - range.lowerBound)
    if extents.isFull { return }
    extents.append(.hole, length: range.upperBound - end)
  }

  /// Index of the first write that ends after `offset`.
  private func firstWrite(endingAfter offset: UInt64) -> Int {
    writes.indices.partitioningIndex { writes[$0].end > offset }
  }
}
