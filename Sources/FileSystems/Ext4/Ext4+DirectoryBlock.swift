internal import BlockDevices
internal import Bytes
internal import SystemPackage

/// Blocks of directories: Documentation/filesystems/ext4/directory.rst.
///
///     entry   inode:4 | record length:2 | name length:1 | file type:1 | name, padded to a multiple of 4
///     tail    an entry of inode 0, length 12 and file type 0xDE, with the block's CRC-32C for a name
extension Ext4 {
  /// An entry that lies wholly within its block, but for its name.
  struct RawEntry {
    /// From the start of the block.
    let offset: Int
    /// 0 where the entry is not in use.
    let inode: UInt32
    let recordLength: Int
    let nameLength: Int
    let fileType: UInt8

    var nameOffset: Int { offset + Self.headerSize }
    var end: Int { offset + recordLength }

    static let headerSize = 8
    static let minimumLength = 12
  }

  /// A directory, with what matters for its entries.
  struct Directory {
    let inode: Inode
    /// Names are encrypted; without a key they are shown as Linux shows them then.
    var isEncrypted: Bool { inode.flags.contains(.encrypted) }
    var foldsCase: Bool { inode.flags.contains(.caseFolding) }
    /// Whether each entry holds the hash of its name behind it: only with the key could it be computed.
    var hasHashes: Bool { isEncrypted && foldsCase }
    var hasIndex: Bool { inode.flags.contains(.index) }
  }

  func directory(_ node: NodeID) throws(ReadError) -> Directory {
    let inode = try inode(node)
    guard inode.type == .directory else { throw .io(.notDirectory, "directory", at: node.rawValue) }
    return Directory(inode: inode)
  }

  func blockCount(of directory: Directory) -> UInt64 {
    directory.inode.size.roundedUp(toMultipleOf: UInt64(superblock.blockSize)) >> superblock.blockShift
  }

  /// What Linux can make without the feature `large_dir`: sizes below 2³² bytes.
  private static let directoryBlockLimit: UInt64 = 1 << 22

  /// Visits the blocks of a directory that there are, from `first` on, until `visit` gives false. Holes are passed over,
  /// as Linux does.
  ///
  /// A few blocks of numbers, naming each other, make a directory of 2³² blocks, all of them the same one; to look
  /// through these would take for ever. No real directory has more blocks than the device: one that goes on there is
  /// corrupt, and one that has a hole there ends.
  func forEachBlock(
    of directory: Directory, from first: UInt64,
    _ visit: (_ number: UInt64, _ block: [UInt8]) throws(ReadError) -> Bool
  ) throws(ReadError) {
    let count = blockCount(of: directory)
    let limit = min(count, device.size >> superblock.blockShift + 1, Self.directoryBlockLimit)
    var goesOn = true
    try forEachRun(of: directory.inode, from: first, to: limit) { (run) throws(ReadError) in
      guard case .blocks(let place) = run.place else { return true }
      var index: UInt64 = 0
      while goesOn && index < run.count {
        let number = run.first + index
        goesOn = try visit(number, try directoryBlock(number, at: place + index, of: directory))
        index += 1
      }
      return goesOn
    }
    if goesOn && limit < count, try block(limit, of: directory.inode) != nil {
      throw .corrupt("directory", at: UInt64(directory.inode.number))
    }
  }

  /// Block `number` of a directory, which lies in block `place` of the filesystem; verified, with all its entries.
  func directoryBlock(_ number: UInt64, at place: UInt64, of directory: Directory) throws(ReadError) -> [UInt8] {
    let tag = BlockTag.directory(of: directory.inode.number, isFirst: number == 0)
    return try blocks.block(superblock.blockSize, at: place << superblock.blockShift, tag: tag.value) {
      (span) throws(ReadError) in
      try verifyDirectoryBlock(span, number, of: directory)
    }
  }

  private func verifyDirectoryBlock(
    _ span: RawSpan, _ number: UInt64, of directory: Directory
  ) throws(ReadError) {
    var offset = 0
    while offset < span.byteCount { offset = try entry(at: offset, in: span, of: directory).end }
    guard superblock.hasMetadataChecksums else { return }
    // An inner node of the index looks like a block with one entry, not in use, that takes all of it.
    if directory.hasIndex {
      let first = try entry(at: 0, in: span, of: directory)
      if number == 0 { return try verifyIndexChecksum(span, entriesAt: Self.indexRootEntries, of: directory) }
      if first.inode == 0 && first.recordLength == span.byteCount {
        return try verifyIndexChecksum(span, entriesAt: Self.indexNodeEntries, of: directory)
      }
    }
    let tail = span.byteCount - RawEntry.minimumLength
    guard try span.le32(tail) == 0, try span.le16(tail + 4) == UInt16(RawEntry.minimumLength),
      try span.le16(tail + 6) == 0xDE00
    else { throw .checksum("directory", at: UInt64(directory.inode.number)) }
    var crc = CRC32C(seed: directory.inode.checksumSeed)
    crc.update(try span.slice(0, count: tail))
    guard try span.le32(tail + 8) == crc.value else { throw .checksum("directory", at: UInt64(directory.inode.number)) }
  }

  /// The entry at `offset` of `span`, which is a block or an inline part of a directory.
  /// - Throws: `.corrupt` where Linux refuses the entry, too.
  func entry(at offset: Int, in span: RawSpan, of directory: Directory) throws(ReadError) -> RawEntry {
    let subject: StaticString = "directory"
    let corrupt = ReadError.corrupt(subject, at: UInt64(directory.inode.number))
    let inode = try span.le32(offset, of: subject)
    let nameLength = Int(try span.u8(offset + 6, of: subject))
    let fileType = try span.u8(offset + 7, of: subject)
    let length = recordLength(try span.le16(offset + 4, of: subject), in: span)
    let room = span.byteCount - offset
    var needed = (RawEntry.headerSize + nameLength + 3) & ~3
    if directory.hasHashes && fileType != 0xDE && nameLength > 0 {
      // "." and ".." come without a hash.
      let name = try span.slice(offset + RawEntry.headerSize, count: nameLength, of: subject)
      if !name.isSelfOrParent { needed += 8 }
    }
    guard length >= RawEntry.minimumLength, length & 3 == 0, length >= needed, length <= room,
      length == room || room - length >= RawEntry.minimumLength, inode <= superblock.inodeCount
    else { throw corrupt }
    return RawEntry(
      offset: offset, inode: inode, recordLength: length, nameLength: nameLength, fileType: fileType)
  }

  /// The length of an entry, from its field: 64 KiB, that of a block with one entry, does not fit there.
  func recordLength(_ stored: UInt16, in span: RawSpan) -> Int {
    let length = Int(stored)
    guard superblock.blockSize == 1 << 16 && span.byteCount == 1 << 16 else { return length }
    return length == 0 || length == 0xFFFF ? 1 << 16 : length & 0xFFFC | (length & 3) << 16
  }

  /// The type that an entry tells; nil where the filesystem does not keep it there.
  func type(of entry: RawEntry) -> NodeType? {
    guard superblock.incompatible.contains(.fileType) else { return nil }
    return NodeType(entryType: entry.fileType & 0xF)
  }
}
