public import Bytes

/// Going through the inode table in the order in which inodes are stored.
extension SquashFS {
  /// Moves a cursor that stands at an inode's tail to the next inode.
  /// - Parameter limit: bytes that the tail may have.
  private func passTail(of inode: Inode, by cursor: inout MetadataCursor, limit: UInt64) throws(ReadError) {
    var count: UInt64 = 0
    switch inode.body {
    case .file(let file):
      let size = listedSize(of: inode, file)
      let blocks = size >> superblock.blockShift + (size % UInt64(superblock.blockSize) == 0 ? 0 : 1)
      count = try blocks.multiplied(by: 4, of: "list of blocks")
    // Where its attributes' number follows the target, both have been passed already.
    case .link: count = cursor.place == inode.tail ? inode.size : 0
    case .directory(let directory):
      for _ in 0..<directory.indexCount {
        let length = try cursor.read(12) { (span) throws(ReadError) in try span.le32(8) }
        guard length < Self.longestName else { throw .corrupt("directory index", at: inode.node.rawValue) }
        try cursor.skip(UInt64(length) + 1)
      }
    case .special, .other: break
    }
    guard count <= limit else { throw .unsupported("list of blocks", at: inode.node.rawValue) }
    try cursor.skip(count)
  }

  /// The node whose inode stands at the cursor.
  private func node(at cursor: MetadataCursor) throws(ReadError) -> NodeID {
    let place = cursor.place
    let block = try place.block.subtracting(superblock.inodeTable, of: "inode")
    guard block < 1 << 32 else { throw .corrupt("inode", at: block) }
    return NodeID(block << 16 | UInt64(place.offset))
  }

  /// Visits all inodes, in the order in which they are stored, until `visit` returns false.
  /// - Throws: `.unsupported` where there is more than `limit` bytes of them.
  func forEachInode(limit: UInt64, _ visit: (Inode) throws(ReadError) -> Bool) throws(ReadError) {
    var cursor = try cursor(at: NodeID(0))
    for _ in 0..<superblock.inodeCount {
      if cursor.isAtEnd { return }
      let inode = try inode(try node(at: cursor), by: &cursor)
      guard try visit(inode) else { return }
      try passTail(of: inode, by: &cursor, limit: limit)
      guard cursor.passed <= limit else { throw .unsupported("inode table of this size", at: limit) }
    }
  }

  /// Inodes are stored as a walk of the tree meets them, and so are the files' data: the next file's inode is near.
  public func follower(of node: NodeID) -> NodeID? {
    do throws(ReadError) {
      var cursor = try cursor(at: node)
      var current = try inode(node, by: &cursor)
      for _ in 0..<Self.followersTried {
        try passTail(of: current, by: &cursor, limit: Self.longestListPassed)
        guard !cursor.isAtEnd else { return nil }
        current = try inode(try self.node(at: cursor), by: &cursor)
        if current.type == .regular && current.size > 0 { return current.node }
      }
      return nil
    } catch {
      return nil
    }
  }

  private static let followersTried = 256
  /// Bytes. A larger file takes so long to read that what follows need not be known yet.
  private static let longestListPassed: UInt64 = 16 << 10
}

/// Finding the directory that holds a directory. Its inode has the parent's inode number, which a table leads to an inode
/// by; but not every image has that table.
extension SquashFS {
  public func parent(of node: NodeID) throws(ReadError) -> NodeID {
    if node == root { return root }
    let number = try directory(node).directory.parent
    let found = try superblock.exportTable == nil ? search(for: number, above: node) : exported(number)
    let parent = try inode(found)
    guard parent.number == number, parent.type == .directory else {
      throw .corrupt("parent of a directory", at: node.rawValue)
    }
    return found
  }

  /// The inode of a number.
  private func exported(_ number: UInt32) throws(ReadError) -> NodeID {
    guard let index = superblock.exportTable, number > 0 else { throw .corrupt("inode number", at: UInt64(number)) }
    let table = Table(
      index: index, count: UInt64(superblock.inodeCount), recordSize: 8, region: superblock.directoryTable..<index,
      subject: "export table")
    let reference = try metadata.withRecord(UInt64(number) - 1, of: table) { (span) throws(ReadError) in
      try span.le64(0)
    }
    guard reference < NodeID.limit else { throw .corrupt("export table", at: UInt64(number)) }
    return NodeID(reference)
  }

  /// Whoever asks has most often come down from the parent, which was remembered then. Else all inodes are looked at.
  private func search(for number: UInt32, above node: NodeID) throws(ReadError) -> NodeID {
    if let parent = parents[node.rawValue], try inode(parent).number == number { return parent }
    var found: NodeID?
    try forEachInode(limit: Self.longestScan) { (inode) throws(ReadError) in
      if inode.number == number && inode.type == .directory { found = inode.node }
      return found == nil
    }
    guard let found else { throw .corrupt("parent of a directory", at: node.rawValue) }
    parents.insert(found, for: node.rawValue)
    return found
  }

  /// Remembers, where there is no table, that `node` holds a directory.
  func noteParent(_ node: NodeID, of entry: ListedEntry) {
    guard superblock.exportTable == nil, entry.type == .directory else { return }
    parents.insert(node, for: entry.node.rawValue)
  }

  /// Bytes of inodes that one search or count goes through at most: a million files and more.
  static let longestScan: UInt64 = 64 << 20
}
