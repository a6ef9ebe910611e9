internal import BlockDevices
internal import Bytes

/// Small files and directories whose contents lie in the inode: Documentation/filesystems/ext4/inlinedata.rst.
///
///     file        i_block:60 | value of "system.data"
///     directory   i_block: parent's inode:4, entries:56 | value of "system.data": entries
extension Ext4 {
  private static let parentSize = 4

  /// What goes on where `i_block` ends.
  private func inlineTail(of inode: Inode) throws(ReadError) -> [UInt8] {
    for entry in try inodeAttributes(of: inode) where entry.nameIndex == 7 && entry.rawName == Array("data".utf8) {
      guard entry.valueInode == 0 else { break }
      return try inode.attributeArea.bytes(entry.valueOffset, count: entry.valueSize, of: "inline data")
    }
    throw .corrupt("inline data", at: UInt64(inode.number))
  }

  /// Everything that the inode holds; the file may be shorter, and even longer: then it ends in a hole.
  func inlineContents(of inode: Inode) throws(ReadError) -> [UInt8] {
    inode.blockArea.array + (try inlineTail(of: inode))
  }

  func mapInline(_ inode: Inode, _ range: Range<UInt64>, into extents: inout ExtentList) throws(ReadError) {
    let held = UInt64(Inode.blockAreaSize) + UInt64(try inlineTail(of: inode).count)
    let size = min(held, inode.size)
    let end = min(range.upperBound, size)
    if range.lowerBound < end {
      let unit = EncodedUnit(UInt64(inode.number), size: Int(size))
      extents.append(.encoded(unit, skip: Int(range.lowerBound)), length: end - range.lowerBound)
    }
    let start = max(range.lowerBound, size)
    if start < range.upperBound && !extents.isFull { extents.append(.hole, length: range.upperBound - start) }
  }

  /// The cookies of the first part are offsets in `i_block`, those of the second go on from there.
  func listInline(
    _ directory: Directory, from cookie: UInt64, _ visit: (RawSpan, DirectoryEntry) -> Bool
  ) throws(ReadError) {
    let names = try NoKeyNames(of: directory, in: self)
    let position = Int(clamping: cookie)
    let goesOn = try listEntries(
      of: try inlineEntries(of: directory), from: position - Self.parentSize, base: UInt64(Self.parentSize), directory,
      names, visit)
    guard goesOn else { return }
    let tail = try inlineTail(of: directory.inode)
    _ = try listEntries(
      of: tail.rawSpan, from: position - Inode.blockAreaSize, base: UInt64(Inode.blockAreaSize), directory, names,
      visit)
  }

  func findInline(_ query: NameQuery, in directory: Directory) throws(ReadError) -> UInt32? {
    if let found = try find(query, in: try inlineEntries(of: directory), of: directory) { return found }
    let tail = try inlineTail(of: directory.inode)
    return try find(query, in: tail.rawSpan, of: directory)
  }

  @_lifetime(borrow directory)
  private func inlineEntries(of directory: borrowing Directory) throws(ReadError) -> RawSpan {
    let area = directory.inode.blockArea
    return area.extracting(Self.parentSize...)
  }
}
