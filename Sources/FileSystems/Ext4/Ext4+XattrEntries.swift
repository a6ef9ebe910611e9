internal import Bytes

/// The entries of an extended attribute area: Documentation/filesystems/ext4/attributes.rst.
///
///     in an inode   magic:4 | entry | entry | … | 0:4 |   free   | value | value
///                           ^ value offsets count from here
///     in a block    header:32 | entry | entry | … | 0:4 |   free   | value | value
///                   ^ value offsets count from here
///
///     entry         name length:1 | name index:1 | value offset:2 | value inode:4 | value size:4 | hash:4 | name
///                   padded to a multiple of 4
extension Ext4 {
  enum XattrArea: Sendable {
    /// The room behind an inode's fields, from `128 + i_extra_isize` to the inode's end.
    case inode
    /// The block of `i_file_acl`.
    case block
  }

  struct XattrEntry: Sendable {
    /// As listxattr(2) gives it ("user.mime_type").
    let name: [UInt8]
    /// What `nameIndex` does not say of the name; `hash` covers it.
    let rawName: [UInt8]
    let nameIndex: UInt8
    /// Bytes from the start of the area. The value lies within the area and behind all entries, or `valueInode` holds
    /// it and this means nothing.
    let valueOffset: Int
    /// Bytes: 0 ... 2²⁴.
    let valueSize: Int
    /// The inode whose contents are the value (feature `ea_inode`); 0 for none.
    let valueInode: UInt32
    /// See `xattrEntryHash`. In an inode 0, unless the value has an inode of its own.
    let hash: UInt32
    let visibility: Visibility

    enum Visibility: Sendable {
      case everyone
      /// "trusted.*": the kernel shows them to root only.
      case root
      /// The filesystem's own use: "system.data", the rest of an inline file.
      case never
    }
  }

  /// `EXT4_XATTR_SIZE_MAX`.
  static let maximumXattrSize = 1 << 24

  /// The entries of `area`, but for those whose name index is not known: the kernel does not show these either.
  ///
  /// An inode whose area does not start with the magic number has no attributes there.
  /// - Throws: `.corrupt` where the kernel refuses the area too: an entry or value out of bounds, a value that overlaps
  ///   the entries, a name with a NUL in it, no end, more than one block.
  static func parseXattrEntries(_ area: RawSpan, in place: XattrArea) throws(ReadError) -> [XattrEntry] {
    let magic: UInt32 = 0xEA02_0000
    let firstEntry: Int
    let valueBase: Int
    switch place {
    case .inode:
      guard area.byteCount >= 8, try area.le32(0) == magic else { return [] }
      firstEntry = 4
      valueBase = 4
    case .block:
      let header: StaticString = "extended attribute block"
      guard try area.le32(0, of: header) == magic else { throw .corrupt(header) }
      guard try area.le32(8, of: header) == 1 else { throw .corrupt(header) }
      firstEntry = 32
      valueBase = 0
    }

    var entries: [XattrEntry] = []
    var lowestValue = Int.max
    var offset = firstEntry
    // Every turn goes on by 16 bytes or more, and loads stop at the end of the area.
    while try area.le32(offset, of: subject) != 0 {
      let nameLength = Int(try area.u8(offset, of: subject))
      let nameIndex = try area.u8(offset + 1, of: subject)
      let valueOffset = valueBase + Int(try area.le16(offset + 2, of: subject))
      let valueInode = try area.le32(offset + 4, of: subject)
      let valueSize = Int(try area.le32(offset + 8, of: subject))
      guard valueSize <= maximumXattrSize else { throw .corrupt(subject, at: UInt64(offset)) }
      let hash = try area.le32(offset + 12, of: subject)
      if valueInode == 0, valueSize > 0 {
        _ = try area.slice(valueOffset, count: (valueSize + 3) & ~3, of: "value of extended attribute")
        lowestValue = min(lowestValue, valueOffset)
      }
      let rawName = try area.bytes(offset + 16, count: nameLength, of: subject)
      guard !rawName.contains(0) else { throw .corrupt(subject, at: UInt64(offset)) }
      if let (name, visibility) = xattrName(rawName, index: nameIndex) {
        entries.append(
          XattrEntry(
            name: name, rawName: rawName, nameIndex: nameIndex, valueOffset: valueOffset, valueSize: valueSize,
            valueInode: valueInode, hash: hash, visibility: visibility))
      }
      offset += (16 + nameLength + 3) & ~3
    }

    guard lowestValue >= offset + 4 else { throw .corrupt("value of extended attribute", at: UInt64(lowestValue)) }
    return entries
  }

  private static var subject: StaticString { "extended attribute entry" }

  private static func xattrName(_ rawName: [UInt8], index: UInt8) -> ([UInt8], XattrEntry.Visibility)? {
    switch index {
    case 1: (Array("user.".utf8) + rawName, .everyone)
    case 2: rawName.isEmpty ? (Array("system.posix_acl_access".utf8), .everyone) : nil
    case 3: rawName.isEmpty ? (Array("system.posix_acl_default".utf8), .everyone) : nil
    case 4: (Array("trusted.".utf8) + rawName, .root)
    case 6: (Array("security.".utf8) + rawName, .everyone)
    case 7: (Array("system.".utf8) + rawName, .never)
    case 8: (Array("system.richacl".utf8) + rawName, .never)
    case 10: (Array("gnu.".utf8) + rawName, .everyone)
    default: nil
    }
  }
}

/// Hashes that the format keeps of attributes. Linux checks them where a value has an inode of its own, and so does this
/// driver; those of other entries only e2fsck looks at.
extension Ext4 {
  /// `e_hash` of an entry whose value is an inode's contents, from these contents' own hash.
  /// - Parameter signed: whether a name's bytes count as signed. They do in what kernels before 6.2 wrote on many
  ///   machines, so that a reader accepts both.
  static func xattrEntryHash(name: RawSpan, valueHash: UInt32, signed: Bool = false) -> UInt32 {
    let hash = xattrNameHash(name, signed: signed)
    return (hash << 16 | hash >> 16) ^ valueHash
  }

  /// What an inode with an attribute's value keeps in `i_atime`: the value's CRC-32C.
  /// - Parameter seed: of the filesystem's checksums: `s_checksum_seed`, or the CRC-32C of its UUID.
  static func xattrValueHash(_ value: RawSpan, seed: UInt32) -> UInt32 {
    var crc = CRC32C(seed: seed)
    crc.update(value)
    return crc.value
  }

  private static func xattrNameHash(_ name: RawSpan, signed: Bool) -> UInt32 {
    var hash: UInt32 = 0
    for index in 0..<name.byteCount {
      let byte = name[index]
      let word = signed ? UInt32(bitPattern: Int32(Int8(bitPattern: byte))) : UInt32(byte)
      hash = (hash << 5 | hash >> 27) ^ word
    }
    return hash
  }
}
