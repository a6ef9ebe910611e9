internal import Bytes

/// Inodes: `struct erofs_inode_compact` (32 bytes) and `struct erofs_inode_extended` (64 bytes), in slots of 32 bytes.
extension EROFS {
  struct Inode: Sendable {
    static let slotSize: UInt64 = 32

    /// How the contents are stored: `i_format`, bits 1 to 3.
    enum Storage: UInt16, Sendable {
      case plain = 0
      /// Compressed, with an index of 8 bytes for each logical cluster, or a table of extents.
      case compressedFull = 1
      /// The last bytes stand behind the inode.
      case inline = 2
      /// Compressed, with indexes of 2 or 4 bytes.
      case compressedCompact = 3
      case chunks = 4

      var isCompressed: Bool { self == .compressedFull || self == .compressedCompact }
    }

    /// As in directories, with bit 63 for the file of compressed metadata.
    let number: UInt64
    let storage: Storage
    /// Byte offset in its metadata space of what follows the inode: attributes.
    let xattrStart: UInt64
    /// Bytes of attributes, with their header; 0 for none.
    let xattrSize: UInt64
    /// Bytes: below 2⁶³.
    let size: UInt64
    /// The first block of contents stored plainly; nil where they are one hole.
    let startBlock: UInt64?
    /// Of contents in chunks: `struct erofs_inode_chunk_info`.
    let chunkFormat: UInt16
    /// A number that the maker gave in turn, for programs that know 32 bits only.
    let serial: UInt32
    let attributes: Attributes

    var type: NodeType { attributes.type }
    var isInMetadataBox: Bool { number & EROFS.metadataBoxBit != 0 }

    /// Byte offset in its metadata space of what follows the attributes: the last bytes of the contents, or indexes.
    var tailStart: UInt64 { xattrStart + xattrSize }
  }
}

extension EROFS.Inode {
  /// - Parameter cursor: in the inode's metadata space.
  init(number: UInt64, in superblock: EROFS.Superblock, by cursor: inout EROFS.MetadataCursor) throws(ReadError) {
    let offset = try superblock.offset(ofInode: number)
    var at = try cursor.seek(32, at: offset)
    let format = try cursor.bytes.rawSpan.le16(at)
    guard format & ~0x1F == 0, let storage = Storage(rawValue: format >> 1 & 7) else {
      throw .unsupported("format of inode", at: number)
    }
    let isExtended = format & 1 != 0
    if isExtended { at = try cursor.seek(64, at: offset) }
    try self.init(
      cursor.bytes.rawSpan.slice(at, count: isExtended ? 64 : 32, of: "inode"), number: number, storage: storage,
      flag: format & 0x10 != 0, offset: offset, in: superblock)
  }

  /// - Parameters:
  ///   - flag: bit 4 of the format: in a compact inode that is no directory, that it has one link, so that the link
  ///     count's place holds the high bits of the first block.
  ///   - offset: of the inode in its space.
  private init(
    _ span: RawSpan, number: UInt64, storage: Storage, flag: Bool, offset: UInt64, in superblock: EROFS.Superblock
  ) throws(ReadError) {
    let isExtended = span.byteCount == 64
    let mode = try span.le16(0x04)
    guard let type = NodeType(rawValue: mode & 0o170000) else { throw .corrupt("inode", at: number) }
    let isSingle = !isExtended && flag && type != .directory
    let size = isExtended ? try span.le64(0x08) : UInt64(try span.le32(0x08))
    guard size < 1 << 63 else { throw .corrupt("inode", at: number) }
    let xattrCount = UInt64(try span.le16(0x02))
    let union = try span.le32(0x10)

    self.number = number
    self.storage = storage
    self.size = size
    xattrStart = try offset.adding(UInt64(span.byteCount), of: "inode number")
    xattrSize = xattrCount == 0 ? 0 : 12 + 4 * (xattrCount - 1)
    _ = try xattrStart.adding(xattrSize + (1 << 16), of: "inode number")
    serial = try span.le32(0x14)

    let highBits = isExtended || isSingle ? UInt64(try span.le16(0x06)) : 0
    let nullBlock: UInt64 = isExtended || isSingle ? (1 << 48) - 1 : (1 << 32) - 1
    let block = UInt64(union) | highBits << 32
    startBlock = storage == .plain && block == nullBlock ? nil : block
    chunkFormat = UInt16(truncatingIfNeeded: union)
    guard storage != .chunks || chunkFormat & ~EROFS.ChunkFormat.all == 0 else {
      throw .unsupported("format of chunks", at: number)
    }

    let time: Timestamp =
      if isExtended {
        Timestamp(
          seconds: Int64(bitPattern: try span.le64(0x20)), nanoseconds: min(try span.le32(0x28), 999_999_999))
      } else {
        Timestamp(
          seconds: superblock.epoch &+ Int64(try span.le32(0x0C)), nanoseconds: superblock.nanoseconds)
      }
    let linkCount = isExtended ? try span.le32(0x2C) : isSingle ? 1 : UInt32(try span.le16(0x06))
    let blocks = size.roundedUp(toMultipleOf: 1 << superblock.blockShift)
    attributes = Attributes(
      type: type, permissions: mode & 0o7777, linkCount: linkCount,
      owner: isExtended ? try span.le32(0x18) : UInt32(try span.le16(0x18)),
      group: isExtended ? try span.le32(0x1C) : UInt32(try span.le16(0x1A)), size: size,
      allocatedSize: storage.isCompressed ? UInt64(union) << superblock.blockShift : blocks,
      accessed: time, modified: time, changed: time,
      deviceNumber: type == .characterDevice || type == .blockDevice ? DeviceNumber(packed: union) : nil)
  }
}
