public import Bytes
internal import SystemPackage

/// Directories: a listing is a part of the directory table's stream of metadata blocks, sorted by name.
///
///     (header | entry, 1 to 256 times) …
///     header  entries − 1:4 | position of the metadata block that their inodes start in:4 | inode number:4
///     entry   offset of the inode in the block:2 | inode number − that of the header:2 | type:2 | length − 1:2 | name
extension SquashFS {
  static let longestName = 256

  func directory(_ node: NodeID) throws(ReadError) -> (inode: Inode, directory: Inode.Directory) {
    let inode = try inode(node)
    guard case .directory(let directory) = inode.body else { throw .io(.notDirectory, "directory", at: node.rawValue) }
    return (inode, directory)
  }

  /// A place in a listing, from which reading can go on.
  struct ListingPlace: Sendable {
    var place: MetadataPlace
    /// Bytes of the listing in front of the place.
    var offset: UInt64
    /// Of the header that the next entry belongs to; none of it is of use where no entries are left.
    var entriesLeft = 0
    var inodeBlock: UInt32 = 0
    var inodeNumber: UInt32 = 0
  }

  /// An entry, but for its name.
  struct ListedEntry {
    let node: NodeID
    let number: UInt32
    let type: NodeType
    /// Bytes of the listing up to the entry's end: what a cookie is.
    let end: UInt64
  }

  /// Goes through a listing entry by entry.
  struct ListingReader {
    private let node: NodeID
    private let size: UInt64
    private var cursor: MetadataCursor
    private var state: ListingPlace

    init(_ node: NodeID, _ directory: Inode.Directory, in fileSystem: SquashFS, from start: ListingPlace? = nil)
      throws(ReadError)
    {
      self.node = node
      size = directory.listingSize
      let first = MetadataPlace(
        block: try fileSystem.superblock.directoryTable.adding(UInt64(directory.block), of: "directory"),
        offset: Int(directory.offset))
      state = start ?? ListingPlace(place: first, offset: 0)
      cursor = try MetadataCursor(
        of: fileSystem.metadata, at: state.place, in: fileSystem.superblock.directoryRegion, subject: "directory")
    }

    /// Bytes of the listing that have been read.
    var offset: UInt64 { state.offset }
    /// Whether the next entry is the first behind a header.
    var isAtHeader: Bool { state.entriesLeft == 0 }

    /// Where reading can go on later.
    var place: ListingPlace {
      var place = state
      place.place = cursor.place
      return place
    }

    /// Gives `body` the next entry, and what that returns; nil at the listing's end.
    mutating func next<R>(_ body: (RawSpan, ListedEntry) throws(ReadError) -> R) throws(ReadError) -> R? {
      if state.entriesLeft == 0 {
        guard state.offset < size else { return nil }
        try readHeader()
      }
      let fixed = try cursor.read(8) { (span) throws(ReadError) in
        (
          offset: try span.le16(0), delta: try span.le16(2), type: try span.le16(4), length: try span.le16(6)
        )
      }
      let length = Int(fixed.length) + 1
      guard length <= SquashFS.longestName, let form = Inode.Form(rawValue: fixed.type), fixed.type <= 7 else {
        throw corrupt
      }
      try pass(UInt64(8 + length))
      state.entriesLeft -= 1
      let entry = ListedEntry(
        node: NodeID(UInt64(state.inodeBlock) << 16 | UInt64(fixed.offset)),
        number: state.inodeNumber &+ UInt32(bitPattern: Int32(Int16(bitPattern: fixed.delta))), type: form.type,
        end: state.offset)
      let corrupt = corrupt
      return try cursor.read(length) { (name) throws(ReadError) in
        guard SquashFS.isName(name) else { throw corrupt }
        return try body(name, entry)
      }
    }

    private mutating func readHeader() throws(ReadError) {
      let header = try cursor.read(12) { (span) throws(ReadError) in
        (count: try span.le32(0), block: try span.le32(4), number: try span.le32(8))
      }
      guard header.count < 256 else { throw corrupt }
      try pass(12)
      state.entriesLeft = Int(header.count) + 1
      state.inodeBlock = header.block
      state.inodeNumber = header.number
    }

    private mutating func pass(_ count: UInt64) throws(ReadError) {
      state.offset += count
      guard state.offset <= size else { throw corrupt }
    }

    private var corrupt: ReadError { .corrupt("directory", at: node.rawValue) }
  }

  /// Whether a name can be stored: neither "." nor ".." is.
  private static func isName(_ name: RawSpan) -> Bool { name.isFileName && !name.isSelfOrParent }
}

/// Listing directories.
extension SquashFS {
  /// A cookie is the byte of the listing that an entry ends at.
  public func list(
    _ node: NodeID, from cookie: UInt64, _ visit: (RawSpan, DirectoryEntry) -> Bool
  ) throws(ReadError) {
    let directory = try directory(node).directory
    guard cookie < directory.listingSize else { return }
    var reader = try self.reader(of: node, directory, from: cookie)
    var last = cookie
    while true {
      let before = reader.place
      let goesOn = try reader.next { (name, entry) throws(ReadError) in
        guard entry.end > cookie else { return true }
        noteParent(node, of: entry)
        guard
          visit(
            name,
            DirectoryEntry(
              node: entry.node, type: entry.type, cookie: entry.end, inodeNumber: UInt64(entry.number)))
        else { return false }
        last = entry.end
        return true
      }
      guard let goesOn else { return }
      if !goesOn {
        listings.insert(KeptListing(node: node, cookie: last, place: before), for: Self.key(of: node, last))
        return
      }
    }
  }

  /// Where a listing was left off: so that a long one, which the kernel asks for in parts, is not read from its start
  /// for each of them.
  struct KeptListing: Sendable {
    let node: NodeID
    let cookie: UInt64
    let place: ListingPlace
  }

  private static func key(of node: NodeID, _ cookie: UInt64) -> UInt64 {
    node.rawValue ^ cookie &* 0xD134_2543_DE82_EF95
  }

  private func reader(
    of node: NodeID, _ directory: Inode.Directory, from cookie: UInt64
  ) throws(ReadError) -> ListingReader {
    guard cookie > 0 else { return try ListingReader(node, directory, in: self) }
    if let kept = listings[Self.key(of: node, cookie)], kept.node == node, kept.cookie == cookie {
      return try ListingReader(node, directory, in: self, from: kept.place)
    }
    return try ListingReader(node, directory, in: self, from: try indexPlace(before: cookie, in: node))
  }
}

/// Finding names.
extension SquashFS {
  public func lookup(_ name: RawSpan, in node: NodeID) throws(ReadError) -> NodeID? {
    let (inode, directory) = try directory(node)
    guard name.byteCount <= Self.longestName, Self.isName(name) else {
      guard name.isSelfOrParent else { return nil }
      return name.byteCount == 1 ? node : try parent(of: node)
    }
    guard directory.listingSize > 0 else { return nil }
    let range = try indexRange(of: name, in: inode, directory)
    var reader = try ListingReader(node, directory, in: self, from: range.start)
    while !(reader.isAtHeader && reader.offset >= range.end) {
      let answer = try reader.next { (other, entry) throws(ReadError) -> Answer in
        if name.equals(other) {
          noteParent(node, of: entry)
          return .found(entry.node)
        }
        // Names are sorted. Linux relies on it for first bytes, and so does this: no more.
        return other[0] > name[0] ? .absent : .goOn
      }
      switch answer {
      case .found(let child): return child
      case .goOn: continue
      case .absent, nil: return nil
      }
    }
    return nil
  }

  private enum Answer {
    case found(NodeID)
    case absent
    case goOn
  }
}
