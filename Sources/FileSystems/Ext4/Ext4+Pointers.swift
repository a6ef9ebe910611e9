internal import BlockDevices
internal import Bytes

/// Direct and indirect blocks, as ext2 and ext3 have them: Documentation/filesystems/ext4/blockmap.rst.
///
///     i_block   0 … 11 blocks | 12 a block of numbers | 13 a block of such | 14 a block of those
///
/// A number 0 is a hole, at every level.
extension Ext4 {
  private static let directCount: UInt64 = 12
  private static let levels = 3

  func forEachPointerRun(
    of inode: Inode, from first: UInt64, to end: UInt64, _ visit: (BlockRun) throws(ReadError) -> Bool
  ) throws(ReadError) {
    let perBlock = UInt64(superblock.blockSize / 4)
    var position = first
    while position < end {
      // The tree that `position` lies in: where it starts, and how many blocks it spans.
      var level = 0
      var start: UInt64 = 0
      var span = Self.directCount
      while position >= start + span {
        guard level < Self.levels else { throw .corrupt("block map", at: UInt64(inode.number)) }
        level += 1
        start += span
        span = level == 1 ? perBlock : span * perBlock
      }
      guard level > 0 else {
        let stop = min(end, span)
        guard
          try visitPointers(inode.bytes, at: Inode.blockAreaOffset, position: &position, start: 0, stop: stop, visit)
        else { return }
        continue
      }
      // Down to the block that holds the number, which spans one block each, or to a hole on the way.
      var number = UInt64(try inode.bytes.rawSpan.le32(Inode.blockAreaOffset + (11 + level) * 4, of: "block map"))
      while number != 0 && level > 0 {
        let pointers = try pointerBlock(number, of: inode)
        level -= 1
        guard level > 0 else {
          let stop = min(end, start + span)
          guard try visitPointers(pointers, at: 0, position: &position, start: start, stop: stop, visit) else { return }
          break
        }
        span /= perBlock
        let index = (position - start) / span
        start += index * span
        number = UInt64(try pointers.rawSpan.le32(Int(index) * 4, of: "block map"))
      }
      if number == 0 {
        let stop = min(end, start + span)
        guard try visit(BlockRun(place: .hole, first: position, count: stop - position)) else { return }
        position = stop
      }
    }
  }

  /// Visits what the numbers for blocks `position ..< stop` say, in as few runs as possible; the first number, at byte
  /// `offset`, is that of block `start`. False where `visit` wants no more.
  private func visitPointers(
    _ bytes: [UInt8], at offset: Int, position: inout UInt64, start: UInt64, stop: UInt64,
    _ visit: (BlockRun) throws(ReadError) -> Bool
  ) throws(ReadError) -> Bool {
    let span = bytes.rawSpan
    while position < stop {
      let first = UInt64(try span.le32(offset + Int(position - start) * 4, of: "block map"))
      var count: UInt64 = 1
      while position + count < stop {
        let next = UInt64(try span.le32(offset + Int(position + count - start) * 4, of: "block map"))
        guard next == (first == 0 ? 0 : first + count) else { break }
        count += 1
      }
      let run = BlockRun(place: first == 0 ? .hole : .blocks(first), first: position, count: count)
      position += count
      guard try visit(run) else { return false }
    }
    return true
  }

  private func pointerBlock(_ block: UInt64, of inode: Inode) throws(ReadError) -> [UInt8] {
    try blocks.block(
      superblock.blockSize, at: block << superblock.blockShift, tag: BlockTag.pointers(of: inode.number).value
    ) { (span) throws(ReadError) in try verifyPointers(span) }
  }

  /// Checks that every number in `span` is 0 or a block that can belong to a file.
  func verifyPointers(_ span: RawSpan) throws(ReadError) {
    var previous: UInt64 = 0
    for offset in stride(from: 0, to: span.byteCount, by: 4) {
      let block = UInt64(try span.le32(offset, of: "block map"))
      defer { previous = block }
      if block == 0 || block == previous { continue }
      guard canBeFileData(block, count: 1) else { throw .corrupt("block map", at: block) }
    }
  }
}
