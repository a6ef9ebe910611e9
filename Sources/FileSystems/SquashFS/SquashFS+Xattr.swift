internal import BlockDevices
public import Bytes

/// Extended attributes. An inode has the number of a set of them, which several may share; a table has where each set
/// begins in a stream of metadata blocks:
///
///     prefix, and whether the value lies elsewhere:2 | length:2 | name without its prefix | length:4 | value
///
/// A value that lies elsewhere has 8 bytes here, a reference to its length and bytes.
extension SquashFS {
  /// Where the sets lie, `struct squashfs_xattr_id_table`.
  struct AttributeTables: Sendable {
    let table: Table
    /// Byte position of the stream on the device.
    let start: UInt64
  }

  /// - Returns: nil where the filesystem has no attributes.
  static func readAttributeTables(_ superblock: Superblock, on device: any BlockDevice) throws(ReadError)
    -> AttributeTables?
  {
    guard let position = superblock.attributeTable else { return nil }
    let bytes = try device.bytes(16, at: position)
    let start = try bytes.rawSpan.le64(0)
    let count = try bytes.rawSpan.le32(8)
    guard start <= position else { throw .corrupt("table of extended attributes", at: position) }
    return AttributeTables(
      table: Table(
        index: position + 16, count: UInt64(count), recordSize: 16, region: start..<position,
        subject: "table of extended attributes"),
      start: start)
  }

  public func extendedAttributeNames(of node: NodeID) throws(ReadError) -> [[UInt8]] {
    var names: [[UInt8]] = []
    var size = 0
    try forEachAttribute(of: node) { (name, _) throws(ReadError) in
      size += name.count + 1
      // XATTR_LIST_MAX: no more can be told.
      guard size <= 65536 else { throw .corrupt("extended attributes", at: node.rawValue) }
      names.append(name)
      return true
    }
    return names
  }

  public func extendedAttribute(_ name: RawSpan, of node: NodeID) throws(ReadError) -> [UInt8]? {
    var found: [UInt8]?
    try forEachAttribute(of: node) { (other, value) throws(ReadError) in
      guard other.rawSpan.equals(name) else { return true }
      found = try value()
      return false
    }
    return found
  }

  /// Visits the attributes of a node by their names, until `visit` returns false.
  private func forEachAttribute(
    of node: NodeID, _ visit: ([UInt8], () throws(ReadError) -> [UInt8]) throws(ReadError) -> Bool
  ) throws(ReadError) {
    guard let number = try inode(node).attributes, let tables = try attributeTables.get() else { return }
    let set = try metadata.withRecord(UInt64(number), of: tables.table) { (span) throws(ReadError) in
      (reference: try span.le64(0), count: try span.le32(8))
    }
    var cursor = try attributeCursor(at: set.reference, tables)
    for _ in 0..<set.count {
      let head = try cursor.read(4) { (span) throws(ReadError) in
        (type: try span.le16(0), length: Int(try span.le16(2)))
      }
      guard head.length > 0, head.length <= Self.longestAttributeName else { throw corruptAttributes(of: node) }
      let rest = try cursor.read(head.length) { (span) throws(ReadError) in span.array }
      let length = try cursor.read(4) { (span) throws(ReadError) in try span.le32(0) }
      guard length <= Self.longestValue, !rest.contains(0) else { throw corruptAttributes(of: node) }
      // What has another prefix is left out, as by Linux.
      if let prefix = Self.prefix(of: head.type) {
        let here = cursor
        let goesOn = try visit(prefix + rest) { () throws(ReadError) in
          var reader = here
          if head.type & Self.outOfLine == 0 {
            return try reader.read(Int(length)) { (span) throws(ReadError) in span.array }
          }
          guard length == 8 else { throw corruptAttributes(of: node) }
          let reference = try reader.read(8) { (span) throws(ReadError) in try span.le64(0) }
          return try value(at: reference, tables, of: node)
        }
        guard goesOn else { return }
      }
      try cursor.skip(UInt64(length))
      guard cursor.passed <= Self.longestSet else { throw corruptAttributes(of: node) }
    }
  }

  /// Bytes that a node's attributes take, by their table's word, which Linux counts as the node's own; 0 where that cannot
  /// be read.
  func attributeSize(of inode: Inode) -> UInt64 {
    guard let number = inode.attributes, case .success(let tables?) = attributeTables else { return 0 }
    do throws(ReadError) {
      return try metadata.withRecord(UInt64(number), of: tables.table) { (span) throws(ReadError) in
        UInt64(try span.le32(12))
      }
    } catch { return 0 }
  }

  /// A value that lies elsewhere.
  private func value(at reference: UInt64, _ tables: AttributeTables, of node: NodeID) throws(ReadError) -> [UInt8] {
    var cursor = try attributeCursor(at: reference, tables)
    let length = try cursor.read(4) { (span) throws(ReadError) in try span.le32(0) }
    guard length <= Self.longestValue else { throw corruptAttributes(of: node) }
    return try cursor.read(Int(length)) { (span) throws(ReadError) in span.array }
  }

  private func attributeCursor(at reference: UInt64, _ tables: AttributeTables) throws(ReadError) -> MetadataCursor {
    let place = try MetadataPlace(reference: reference, from: tables.start, of: "extended attributes")
    return try MetadataCursor(of: metadata, at: place, in: tables.table.region, subject: "extended attributes")
  }

  private func corruptAttributes(of node: NodeID) -> ReadError { .corrupt("extended attributes", at: node.rawValue) }

  private static func prefix(of type: UInt16) -> [UInt8]? {
    switch type & 0xff {
    case 0: Array("user.".utf8)
    case 1: Array("trusted.".utf8)
    case 2: Array("security.".utf8)
    default: nil
    }
  }

  private static let outOfLine: UInt16 = 0x100
  /// XATTR_NAME_MAX, and XATTR_SIZE_MAX: Linux takes no more from whoever sets them.
  private static let longestAttributeName = 255
  private static let longestValue: UInt32 = 65536
  /// Bytes of one set, names and values: some hundred of the largest.
  private static let longestSet: UInt64 = 16 << 20
}
