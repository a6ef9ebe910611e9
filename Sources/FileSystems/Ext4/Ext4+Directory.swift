internal import BlockDevices
public import Bytes

/// Listing directories and finding names in them.
extension Ext4 {
  /// A cookie is the offset of the next entry in the directory: never 0, as there are "." and ".." before all others.
  /// Entries come in the order in which they lie there.
  public func list(
    _ node: NodeID, from cookie: UInt64, _ visit: (RawSpan, DirectoryEntry) -> Bool
  ) throws(ReadError) {
    let directory = try directory(node)
    if directory.inode.storage == .inline { return try listInline(directory, from: cookie, visit) }
    let names = try NoKeyNames(of: directory, in: self)
    let shift = superblock.blockShift
    let start = Int(cookie & UInt64(superblock.blockSize - 1))
    let firstBlock = cookie >> shift
    try forEachBlock(of: directory, from: firstBlock) { (number, block) throws(ReadError) in
      try listEntries(
        of: block.rawSpan, from: number == firstBlock ? start : 0, base: number << shift, directory, names, visit)
    }
  }

  /// Visits the entries of a block, or of an inline part, that start at `start` or behind; false where `visit` wants no
  /// more.
  /// - Parameter base: what makes an offset in `span` a cookie.
  func listEntries(
    of span: RawSpan, from start: Int, base: UInt64, _ directory: Directory, _ names: NoKeyNames?,
    _ visit: (RawSpan, DirectoryEntry) -> Bool
  ) throws(ReadError) -> Bool {
    var offset = 0
    while offset < span.byteCount {
      let entry = try entry(at: offset, in: span, of: directory)
      offset = entry.end
      guard entry.inode != 0, entry.offset >= start else { continue }
      let name = try span.slice(entry.nameOffset, count: entry.nameLength, of: "directory")
      if name.isSelfOrParent { continue }
      let told = DirectoryEntry(
        node: NodeID(UInt64(entry.inode)), type: type(of: entry), cookie: base + UInt64(entry.end))
      if let names {
        let shown = try names.name(for: name, entry, in: span)
        guard visit(shown.rawSpan, told) else { return false }
      } else {
        guard Self.isName(name) else { throw .corrupt("directory", at: UInt64(directory.inode.number)) }
        guard visit(name, told) else { return false }
      }
    }
    return true
  }

  public func lookup(_ name: RawSpan, in node: NodeID) throws(ReadError) -> NodeID? {
    let directory = try directory(node)
    if name.isSelfOrParent { return name.byteCount == 1 ? node : try parent(of: node) }
    guard Self.isName(name), let query = NameQuery(name, in: directory, strict: superblock.isStrictAboutEncoding) else {
      return nil
    }
    let found: UInt32?
    if directory.inode.storage == .inline {
      found = try findInline(query, in: directory)
    } else if directory.hasIndex && superblock.compatible.contains(.directoryIndex) {
      switch try findByHash(query, in: directory) {
      case .found(let number): found = number
      case .absent: found = nil
      // The entries are all where they would be without an index.
      case .badIndex: found = try findLinearly(query, in: directory)
      }
    } else {
      found = try findLinearly(query, in: directory)
    }
    guard let found else { return nil }
    guard isFileNumber(found), found != directory.inode.number else {
      throw .corrupt("directory", at: UInt64(directory.inode.number))
    }
    return NodeID(UInt64(found))
  }

  /// Starts in the block where the last name was found, as Linux does: a program that asks for all names of a directory
  /// does so in the order in which they lie there, and each is near the one before.
  private func findLinearly(_ query: NameQuery, in directory: Directory) throws(ReadError) -> UInt32? {
    let hint = lookupHints[directory.inode.number]
    var found: UInt32?
    func search(from first: UInt64, to end: UInt64) throws(ReadError) {
      try forEachBlock(of: directory, from: first) { (number, block) throws(ReadError) in
        guard number < end else { return false }
        found = try find(query, in: block.rawSpan, of: directory)
        if found != nil && number != hint { lookupHints[directory.inode.number] = number }
        return found == nil
      }
    }
    try search(from: hint, to: .max)
    if found == nil && hint > 0 { try search(from: 0, to: hint) }
    return found
  }

  /// The inode number of the entry that `query` matches, among those of a block or of an inline part.
  func find(_ query: NameQuery, in span: RawSpan, of directory: Directory) throws(ReadError) -> UInt32? {
    let wantedLength = query.length
    var offset = 0
    while offset < span.byteCount {
      // Inode, record length, name length and type at once; an entry is looked at closely when it is the one.
      let header = try span.le64(offset, of: "directory")
      let length = recordLength(UInt16(truncatingIfNeeded: header >> 32), in: span)
      guard length >= RawEntry.minimumLength, length <= span.byteCount - offset else {
        throw .corrupt("directory", at: UInt64(directory.inode.number))
      }
      let nameLength = Int(header >> 48 & 0xFF)
      if UInt32(truncatingIfNeeded: header) != 0, wantedLength == nil || wantedLength == nameLength,
        query.matches(try span.slice(offset + RawEntry.headerSize, count: nameLength, of: "directory"))
      {
        return try entry(at: offset, in: span, of: directory).inode
      }
      offset += length
    }
    return nil
  }

  public func parent(of node: NodeID) throws(ReadError) -> NodeID {
    let directory = try directory(node)
    if node == root { return root }
    let number: UInt32
    if directory.inode.storage == .inline {
      number = try directory.inode.blockArea.le32(0, of: "directory")
    } else {
      guard let place = try block(0, of: directory.inode) else { throw .corrupt("directory", at: node.rawValue) }
      let block = try directoryBlock(0, at: place, of: directory)
      let first = try entry(at: 0, in: block.rawSpan, of: directory)
      let second = try entry(at: first.end, in: block.rawSpan, of: directory)
      let name = try block.rawSpan.slice(second.nameOffset, count: second.nameLength, of: "directory")
      guard name.byteCount == 2, name.isSelfOrParent else { throw .corrupt("directory", at: node.rawValue) }
      number = second.inode
    }
    guard isFileNumber(number) else { throw .corrupt("directory", at: node.rawValue) }
    return NodeID(UInt64(number))
  }

  /// EXT4_NAME_LEN.
  private static let longestName = 255

  /// Whether these bytes can be the name of a file.
  static func isName(_ name: RawSpan) -> Bool { name.byteCount <= longestName && name.isFileName }
}
