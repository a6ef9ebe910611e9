internal import BlockDevices
internal import Bytes

/// A run of the disk that one line of the descriptor tells of.
struct DiskExtent: Sendable {
  enum Contents: Sendable {
    /// ZERO: nothing is stored, whatever a parent may hold.
    case zeros
    /// NOACCESS: there is something, but not for this disk.
    case inaccessible
    /// The bytes from `offset` on of a source, which has `available` of them. What it lacks of its last sector is
    /// zeros.
    case flat(source: Int, offset: UInt64, available: UInt64)
    case sparse(SparseExtent, source: Int)
  }

  /// Byte offset in the disk.
  let start: UInt64
  /// Bytes; not 0.
  let length: UInt64
  let contents: Contents
  /// The path of its file; empty where there is none.
  let path: String
  /// As the descriptor has it: `FLAT`, `SPARSE` …; empty for an extent that the descriptor lies in.
  let type: String

  /// Does not overflow: checked when the disk was put together.
  var end: UInt64 { start + length }

  /// Tells where the bytes of `range`, offsets in the disk, lie.
  /// - Parameter parentSource: index of the parent's disk among the disk's sources, where there is a parent.
  func map(
    _ range: Range<UInt64>, parent: DiskImage?, parentSource: Int, into list: inout ExtentList
  ) throws(ReadError) {
    let length = range.upperBound - range.lowerBound
    switch contents {
    case .zeros: list.append(.hole, length: length)
    case .inaccessible: throw .unsupported("an extent that the disk has no access to", at: range.lowerBound)
    case .flat(let source, let offset, let available):
      let skipped = range.lowerBound - start
      let stored = min(length, available - min(skipped, available))
      list.append(.mapped(source: source, offset: offset + skipped), length: stored)
      if stored == length { return }
      // The last sector of a file whose size is no multiple of one.
      guard self.length - available < VMDK.sectorSize else {
        throw .truncated("extent of the disk", at: range.lowerBound)
      }
      if !list.isFull { list.append(.hole, length: length - stored) }
    case .sparse(let sparse, let source):
      let place = SparseExtent.Place(start: start, source: source, parent: parent, parentSource: parentSource)
      try sparse.map((range.lowerBound - start)..<(range.upperBound - start), at: place, into: &list)
    }
  }
}
