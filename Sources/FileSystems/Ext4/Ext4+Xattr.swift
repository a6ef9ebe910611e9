internal import BlockDevices
public import Bytes
internal import SystemPackage

/// Extended attributes: where their entries are, and how their values are read.
extension Ext4 {
  public func extendedAttributeNames(of node: NodeID) throws(ReadError) -> [[UInt8]] {
    let inode = try inode(node)
    var names: [[UInt8]] = []
    for entry in try inodeAttributes(of: inode) + blockAttributes(of: inode).entries
    where entry.visibility != .never {
      names.append(entry.name)
    }
    return names
  }

  public func extendedAttribute(_ name: RawSpan, of node: NodeID) throws(ReadError) -> [UInt8]? {
    let inode = try inode(node)
    if let entry = Self.entry(name, in: try inodeAttributes(of: inode)) {
      return try value(of: entry, in: inode.attributeArea, of: inode)
    }
    let (entries, block) = try blockAttributes(of: inode)
    guard let entry = Self.entry(name, in: entries) else { return nil }
    return try value(of: entry, in: block.rawSpan, of: inode)
  }

  private static func entry(_ name: RawSpan, in entries: [XattrEntry]) -> XattrEntry? {
    entries.first { $0.visibility != .never && name.equals($0.name.rawSpan) }
  }

  /// The entries in the inode itself.
  func inodeAttributes(of inode: Inode) throws(ReadError) -> [XattrEntry] {
    guard inode.extraSize > 0 else { return [] }
    return try Self.parseXattrEntries(inode.attributeArea, in: .inode)
  }

  /// The entries in the inode's block of attributes, and that block.
  private func blockAttributes(of inode: Inode) throws(ReadError) -> (entries: [XattrEntry], block: [UInt8]) {
    guard inode.attributeBlock != 0 else { return ([], []) }
    let number = inode.attributeBlock
    let block = try blocks.block(
      superblock.blockSize, at: number << superblock.blockShift, tag: BlockTag.attributes.value
    ) { (span) throws(ReadError) in
      guard superblock.hasMetadataChecksums else { return }
      var crc = CRC32C(seed: superblock.checksumSeed)
      crc.update(le: UInt32(truncatingIfNeeded: number))
      crc.update(le: UInt32(truncatingIfNeeded: number >> 32))
      crc.update(try span.slice(0, count: 0x10))
      crc.update(zeros: 4)
      crc.update(try span.slice(0x14, count: span.byteCount - 0x14))
      guard try span.le32(0x10) == crc.value else { throw .checksum("extended attribute block", at: number) }
    }
    return (try Self.parseXattrEntries(block.rawSpan, in: .block), block)
  }

  private func value(of entry: XattrEntry, in area: RawSpan, of inode: Inode) throws(ReadError) -> [UInt8]? {
    let value =
      entry.valueInode == 0
      ? entry.valueSize == 0 ? [] : try area.bytes(entry.valueOffset, count: entry.valueSize, of: "extended attribute")
      : try valueInInode(of: entry, parent: inode)
    // POSIX_ACL_ACCESS and POSIX_ACL_DEFAULT.
    return entry.nameIndex == 2 || entry.nameIndex == 3 ? try Self.posixACL(fromDisk: value.rawSpan) : value
  }

  /// XATTR_SIZE_MAX: what getxattr(2) can give.
  private static let longestValue = 1 << 16

  /// A value that has an inode of its own, feature `ea_inode`.
  private func valueInInode(of entry: XattrEntry, parent: Inode) throws(ReadError) -> [UInt8] {
    guard entry.valueSize <= Self.longestValue else { throw .io(.argListTooLong, "extended attribute") }
    let holder = try inode(entry.valueInode)
    let position = UInt64(entry.valueInode)
    guard holder.flags.contains(.attributeValue), holder.size == UInt64(entry.valueSize), holder.type == .regular,
      holder.storage != .inline
    else { throw .corrupt("extended attribute inode", at: position) }
    let value: [UInt8] = try .filled(entry.valueSize) { (out) throws(ReadError) in
      try readContents(of: holder, entry.valueSize, at: 0, into: &out)
    }
    // Lustre's come without a hash; they name the inode that they belong to.
    let fields = holder.bytes.rawSpan
    if try fields.le32(0x10) == parent.number, try fields.le32(0x64) == parent.bytes.rawSpan.le32(0x64) { return value }
    let hash = Self.xattrValueHash(value.rawSpan, seed: superblock.checksumSeed)
    let name = entry.rawName.rawSpan
    guard try fields.le32(0x08) == hash,
      [false, true].contains(where: { Self.xattrEntryHash(name: name, valueHash: hash, signed: $0) == entry.hash })
    else { throw .checksum("extended attribute inode", at: position) }
    return value
  }
}

extension Ext4.Inode {
  /// What lies behind the inode's fields.
  var attributeArea: RawSpan {
    @_lifetime(borrow self)
    get { bytes.rawSpan.extracting((Self.oldSize + extraSize)...) }
  }
}
