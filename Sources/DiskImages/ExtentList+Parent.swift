internal import BlockDevices

extension ExtentList {
  /// Appends what an image says of a range that it does not store itself: the parent has it, as far as that reaches.
  ///
  /// - Parameters:
  ///   - range: of the disk, in bytes.
  ///   - source: index of the parent's disk among the sources; not used where there is no parent.
  ///   - orphan: what the range is where there is no parent.
  mutating func append(
    absent range: Range<UInt64>, parent: DiskImage?, source: Int, orphan: Extent.Kind = .hole
  ) {
    guard let parent else { return append(orphan, length: range.upperBound - range.lowerBound) }
    let end = min(max(parent.disk.size, range.lowerBound), range.upperBound)
    append(.mapped(source: source, offset: range.lowerBound), length: end - range.lowerBound)
    append(.hole, length: range.upperBound - end)
  }
}
