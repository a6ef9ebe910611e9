public import BlockDevices
public import Bytes
internal import Codecs

/// Fragments: blocks that hold the last bytes of several files, or all of small ones. A table has their positions.
///
///     start:8 | stored length, as in a list of blocks:4 | unused:4
extension SquashFS {
  /// The bytes `range` of a file, of which those from `start` on lie in its fragment.
  func mapFragment(
    of inode: Inode, _ file: Inode.File, _ range: Range<UInt64>, from start: UInt64, into extents: inout ExtentList
  ) throws(ReadError) {
    guard let fragment = file.fragment, let index = superblock.fragmentTable else {
      throw .corrupt("fragment of a file", at: inode.node.rawValue)
    }
    let table = Table(
      index: index, count: UInt64(superblock.fragmentCount), recordSize: 16,
      region: superblock.directoryTable..<index, subject: "fragment table")
    let (position, stored) = try metadata.withRecord(UInt64(fragment.number), of: table) { (span) throws(ReadError) in
      (try span.le64(0), try StoredBlock(parsing: span, at: 8))
    }
    try checkData(stored.length, at: position, of: "fragment")
    // What the block decodes to is not said anywhere; it is a block's size at most.
    let end = UInt64(fragment.offset) + (inode.size - start)
    guard end <= UInt64(stored.isCompressed ? superblock.blockSize : stored.length), stored.length > 0 else {
      throw .corrupt("fragment of a file", at: inode.node.rawValue)
    }
    let skip = UInt64(fragment.offset) + (range.lowerBound - start)
    let length = range.upperBound - range.lowerBound
    if stored.isCompressed {
      let unit = EncodedUnit(
        position, detail: UInt64(stored.length) | Self.fragmentMark, size: superblock.blockSize)
      extents.append(.encoded(unit, skip: Int(skip)), length: length)
    } else {
      extents.append(.mapped(source: 0, offset: position + skip), length: length)
    }
  }

  /// In a unit's detail: it is a fragment, which may decode to less than its size.
  private static let fragmentMark: UInt64 = 1 << 32

  /// A unit is named by its byte position; its detail is the stored length, and whether it is a fragment.
  public func decode(_ unit: EncodedUnit, into out: inout OutputRawSpan) throws(ReadError) {
    let count = unit.detail & ~Self.fragmentMark
    guard count <= UInt64(superblock.blockSize), unit.size <= superblock.blockSize else {
      throw .corrupt("data block", at: unit.id)
    }
    let stored = try device.bytes(Int(count), at: unit.id)
    if unit.detail & Self.fragmentMark == 0 {
      try codec.decode(stored.rawSpan, count: unit.size, of: "data block", into: &out)
    } else {
      try codec.decode(stored.rawSpan, upTo: unit.size, of: "fragment", into: &out)
    }
  }
}
