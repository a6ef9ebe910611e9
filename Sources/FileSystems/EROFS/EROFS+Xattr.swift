internal import BlockDevices
public import Bytes

/// Extended attributes: behind the inode, and some that inodes share, in an area of their own.
///
///     name filter:4 | count of shared ones:1 | unused:7 | numbers of shared ones, 4 each | entries
///     entry    length of name:1 | kind of prefix:1 | length of value:2 | name | value, up to a multiple of 4
extension EROFS {
  /// A long prefix of names, which entries refer to by its number.
  struct XattrPrefix: Sendable {
    /// The kind of prefix that it begins with.
    let base: UInt8
    let rest: [UInt8]
  }

  /// An attribute, but for its value.
  private struct XattrEntry {
    /// With its prefix; nil where the kernel does not show attributes of this kind.
    let name: [UInt8]?
    let isACL: Bool
    /// Byte offset in the space, and bytes.
    let valueStart: UInt64
    let valueSize: Int
    /// Byte offset in the space of what follows.
    let end: UInt64
  }

  public func extendedAttributeNames(of node: NodeID) throws(ReadError) -> [[UInt8]] {
    var names: [[UInt8]] = []
    try visitAttributes(of: try inode(node)) { entry, _ in
      if let name = entry.name { names.append(name) }
      return true
    }
    return names
  }

  public func extendedAttribute(_ name: RawSpan, of node: NodeID) throws(ReadError) -> [UInt8]? {
    let inode = try inode(node)
    guard inode.xattrSize > 0, try mayHave(name, inode) else { return nil }
    var value: [UInt8]?
    try visitAttributes(of: inode) { (entry, cursor) throws(ReadError) in
      guard let known = entry.name, name.equals(known.rawSpan) else { return true }
      let at = try cursor.seek(entry.valueSize, at: entry.valueStart)
      let found = try cursor.bytes.rawSpan.bytes(at, count: entry.valueSize, of: "extended attribute")
      value = entry.isACL ? try Self.checkedACL(found) : found
      return false
    }
    return value
  }

  /// Whether the inode's filter lets it have an attribute of that name: the bit for a name's hash is set where it does
  /// not.
  private func mayHave(_ name: RawSpan, _ inode: Inode) throws(ReadError) -> Bool {
    guard superblock.hasXattrFilter, let (index, rest) = Self.splitName(name) else { return true }
    var cursor = try mapper.cursor(for: inode)
    let at = try cursor.seek(4, at: inode.xattrStart)
    let filter = try cursor.bytes.rawSpan.le32(at)
    let hash = XXH32.hash(try name.slice(rest, count: name.byteCount - rest), seed: Self.filterSeed &+ UInt32(index))
    return filter & 1 << (hash & 31) == 0
  }

  private static let filterSeed: UInt32 = 0x25BB_E08F

  /// Visits the inode's own attributes, then the shared ones.
  /// - Parameter visit: false stops.
  private func visitAttributes(
    of inode: Inode, _ visit: (XattrEntry, inout MetadataCursor) throws(ReadError) -> Bool
  ) throws(ReadError) {
    guard inode.xattrSize > 0 else { return }
    var cursor = try mapper.cursor(for: inode)
    let at = try cursor.seek(12, at: inode.xattrStart)
    let sharedCount = UInt64(try cursor.bytes.rawSpan.u8(at + 4))
    let end = inode.xattrStart + inode.xattrSize
    var position = inode.xattrStart + 12 + sharedCount * 4
    guard position <= end else { throw .corrupt("extended attributes", at: inode.number) }
    while position < end {
      let entry = try attribute(at: position, limit: end, by: &cursor)
      guard try visit(entry, &cursor) else { return }
      position = entry.end
    }

    guard sharedCount > 0 else { return }
    let isInBox = superblock.compatible.contains(.sharedXattrsInMetadataBox)
    var shared = MetadataCursor(try mapper.space(isInBox: isInBox && superblock.metadataBoxNumber != nil))
    let base = try superblock.offset(ofBlock: superblock.sharedXattrStart)
    for number in 0..<sharedCount {
      let at = try cursor.seek(4, at: inode.xattrStart + 12 + number * 4)
      let place = UInt64(try cursor.bytes.rawSpan.le32(at)) * 4
      let entry = try attribute(
        at: try base.adding(place, of: "extended attribute"), limit: nil, by: &shared)
      guard try visit(entry, &shared) else { return }
    }
  }

  /// - Parameter limit: where the entry has to end; nil where nothing says.
  private func attribute(
    at position: UInt64, limit: UInt64?, by cursor: inout MetadataCursor
  ) throws(ReadError) -> XattrEntry {
    let subject: StaticString = "extended attribute"
    let at = try cursor.seek(4, at: position)
    let nameLength = Int(try cursor.bytes.rawSpan.u8(at))
    let index = try cursor.bytes.rawSpan.u8(at + 1)
    let valueSize = Int(try cursor.bytes.rawSpan.le16(at + 2))
    let nameStart = try position.adding(4, of: subject)
    let valueStart = try nameStart.adding(UInt64(nameLength), of: subject)
    let end = try valueStart.adding(UInt64(valueSize), of: subject).roundedUp(toMultipleOf: 4)
    if let limit, end > limit { throw .corrupt(subject, at: position) }
    let nameAt = try cursor.seek(nameLength, at: nameStart)
    let name = try cursor.bytes.rawSpan.slice(nameAt, count: nameLength, of: subject)
    for index in 0..<name.byteCount where name[index] == 0 { throw .corrupt(subject, at: position) }
    let shown = try fullName(name, index: index)
    return XattrEntry(
      name: shown?.name, isACL: shown?.isACL ?? false, valueStart: valueStart, valueSize: valueSize, end: end)
  }
}

/// Names of attributes.
extension EROFS {
  /// XATTR_NAME_MAX.
  private static let longestXattrName = 255

  private static func prefix(_ index: UInt8) -> String? {
    switch index {
    case 1: "user."
    case 2: "system.posix_acl_access"
    case 3: "system.posix_acl_default"
    case 4: "trusted."
    case 6: "security."
    default: nil
    }
  }

  /// The name as listxattr(2) gives it; nil where Linux has no such attributes (those of Lustre).
  private func fullName(_ name: RawSpan, index: UInt8) throws(ReadError) -> (name: [UInt8], isACL: Bool)? {
    var base = index
    var middle: [UInt8] = []
    if index & 0x80 != 0 {
      // Linux skips what refers to a prefix that is not there.
      guard Int(index & 0x7F) < prefixes.count else { return nil }
      base = prefixes[Int(index & 0x7F)].base
      middle = prefixes[Int(index & 0x7F)].rest
    }
    guard let prefix = Self.prefix(base) else { return nil }
    let isACL = base == 2 || base == 3
    if isACL && (name.byteCount > 0 || !middle.isEmpty) { return nil }
    let full = Array(prefix.utf8) + middle + name.array
    // No program could ask for such a name.
    guard full.count <= Self.longestXattrName, !middle.contains(0) else { return nil }
    return (full, isACL)
  }

  /// The kind of prefix that a full name begins with, and where the rest of it begins.
  private static func splitName(_ name: RawSpan) -> (index: UInt8, rest: Int)? {
    for index in [1, 2, 3, 4, 6] as [UInt8] {
      guard let prefix = prefix(index) else { continue }
      let bytes = Array(prefix.utf8)
      guard name.byteCount >= bytes.count, name.extracting(first: bytes.count).equals(bytes.rawSpan) else { continue }
      return (index, bytes.count)
    }
    return nil
  }

  /// Long prefixes: a length (2 bytes), the kind of prefix that it begins with (1), and the rest of it; each aligned to
  /// 4 bytes. They lie in the file of compressed metadata, or in that of fragments, or among the metadata.
  static func readPrefixes(by mapper: Mapper) throws(ReadError) -> [XattrPrefix] {
    let superblock = mapper.superblock
    let subject: StaticString = "prefix of extended attributes"
    guard superblock.xattrPrefixCount > 0 else { return [] }
    let device: any BlockDevice =
      if superblock.compatible.contains(.plainXattrPrefixes) {
        mapper.main.device
      } else if let box = mapper.box {
        box.device
      } else if let packed = mapper.packed {
        ComposedDevice(packed, units: mapper.units)
      } else {
        mapper.main.device
      }
    var prefixes: [XattrPrefix] = []
    var position = superblock.xattrPrefixStart
    for _ in 0..<superblock.xattrPrefixCount {
      position = position.roundedUp(toMultipleOf: 4)
      let head = try device.bytes(2, at: position)
      let length = Int(try head.rawSpan.le16(0))
      guard (1...256).contains(length) else { throw .corrupt(subject, at: position) }
      let bytes = try device.bytes(length, at: try position.adding(2, of: subject))
      prefixes.append(XattrPrefix(base: bytes[0], rest: Array(bytes.dropFirst())))
      position = try position.adding(2 + UInt64(length), of: subject)
    }
    return prefixes
  }

  /// An access control list as it is stored is what getxattr(2) gives, version 2 of <linux/posix_acl_xattr.h>; nil where
  /// it is empty: then the kernel says that there is none.
  /// - Throws: where the kernel does not take it either.
  private static func checkedACL(_ value: [UInt8]) throws(ReadError) -> [UInt8]? {
    let subject: StaticString = "access control list"
    guard !value.isEmpty else { return nil }
    guard try value.rawSpan.le32(0, of: subject) == 2 else { throw .unsupported("version of access control list") }
    guard (value.count - 4) % 8 == 0 else { throw .corrupt(subject) }
    return value.count == 4 ? nil : value
  }
}
