internal import BlockDevices
internal import Bytes

/// Finding a name by its hash: Documentation/filesystems/ext4/directory.rst, "Hash Tree Directories".
///
///     root    "." | ".." | 0:4 | hash version:1 | 8:1 | levels:1 | flags:1 | entries     (block 0)
///     node    an entry that is not in use and takes all of the block:8 | entries
///     entry   hash:4 | block:4; in the first, the hash's place is taken by limit:2 | count:2
///     tail    0:4 | CRC-32C:4, behind the room for `limit` entries
///
/// An entry leads to the names whose hashes are at least its own. Its lowest bit says that the hash of the last name
/// in the block before goes on in this one.
extension Ext4 {
  static let indexRootEntries = 32
  static let indexNodeEntries = 8
  private static let indexEntrySize = 8
  private static let indexTailSize = 8

  enum IndexResult {
    case found(UInt32)
    case absent
    /// The index cannot be used. Nothing is known of the name.
    case badIndex
  }

  private struct IndexNode {
    let bytes: [UInt8]
    /// Offset of the entries.
    let start: Int
    let count: Int

    func hash(_ index: Int) throws(ReadError) -> UInt32 {
      try bytes.rawSpan.le32(start + index * indexEntrySize, of: "directory index")
    }

    func block(_ index: Int) throws(ReadError) -> UInt64 {
      UInt64(try bytes.rawSpan.le32(start + index * indexEntrySize + 4, of: "directory index") & 0x0FFF_FFFF)
    }

    /// The last entry whose names can have `hash`.
    func entry(for hash: UInt32) throws(ReadError) -> Int {
      try (1..<max(count, 1)).partitioningIndex { (index) throws(ReadError) in try self.hash(index) > hash } - 1
    }
  }

  func findByHash(_ query: NameQuery, in directory: Directory) throws(ReadError) -> IndexResult {
    guard let block = try indexBlock(0, of: directory) else { return .badIndex }
    let span = block.rawSpan
    let levels = Int(try span.u8(30))
    let version = try span.u8(28)
    guard try span.u8(29) == 8, try span.u8(31) & 1 == 0,
      levels < (superblock.incompatible.contains(.largeDirectories) ? 3 : 2),
      let hashVersion = hashVersion(version, in: directory),
      let hash = query.hash(hashVersion, seed: superblock.hashSeed),
      let root = try indexNode(block, at: Self.indexRootEntries, of: directory)
    else { return .badIndex }
    // More blocks than the directory has cannot hold names of one hash.
    var search = IndexSearch(
      query: query, hash: hash, directory: directory, blocksLeft: min(blockCount(of: directory), 1 << 16))
    switch try search.find(in: root, levels: levels, isFirst: true, of: self) {
    case .found(let number): return .found(number)
    case .notHere, .nowhere: return .absent
    case .badIndex: return .badIndex
    }
  }

  /// The hash of an index, or of a directory that would get one; nil where it is not one for that directory.
  func hashVersion(_ stored: UInt8, in directory: Directory) -> HashVersion? {
    if directory.hasHashes { return stored == HashVersion.sipHash.rawValue ? .sipHash : nil }
    guard stored <= HashVersion.tea.rawValue else { return nil }
    return HashVersion(rawValue: superblock.hashesUnsignedBytes ? stored + 3 : stored)
  }

  private struct IndexSearch {
    let query: NameQuery
    let hash: UInt32
    let directory: Directory
    var blocksLeft: UInt64

    enum Outcome {
      case found(UInt32)
      /// Not below this node, but names with this hash may go on behind it.
      case notHere
      case nowhere
      case badIndex
    }

    /// - Parameters:
    ///   - levels: how many levels of inner nodes lie below this one: at most 2.
    ///   - isFirst: whether the search has met no leaf yet; if it has, names go on at the start of this node.
    mutating func find(
      in node: IndexNode, levels: Int, isFirst: Bool, of fileSystem: Ext4
    ) throws(ReadError) -> Outcome {
      var index = isFirst ? try node.entry(for: hash) : 0
      var isFirst = isFirst
      while true {
        guard blocksLeft > 0 else { return .badIndex }
        blocksLeft -= 1
        guard let block = try fileSystem.indexBlock(try node.block(index), of: directory) else { return .badIndex }
        if levels == 0 {
          if let number = try fileSystem.find(query, in: block.rawSpan, of: directory) { return .found(number) }
        } else {
          guard let child = try fileSystem.indexNode(block, at: indexNodeEntries, of: directory) else {
            return .badIndex
          }
          let outcome = try find(in: child, levels: levels - 1, isFirst: isFirst, of: fileSystem)
          guard case .notHere = outcome else { return outcome }
        }
        isFirst = false
        index += 1
        guard index < node.count else { return .notHere }
        guard try node.hash(index) & ~1 == hash else { return .nowhere }
      }
    }
  }

  /// A block of an indexed directory; nil where there is none.
  private func indexBlock(_ number: UInt64, of directory: Directory) throws(ReadError) -> [UInt8]? {
    guard number < blockCount(of: directory), let place = try block(number, of: directory.inode) else { return nil }
    return try directoryBlock(number, at: place, of: directory)
  }

  /// The entries at `start` of a block; nil where they are not what Linux makes.
  private func indexNode(
    _ block: [UInt8], at start: Int, of directory: Directory
  ) throws(ReadError) -> IndexNode? {
    let limit = Int(try block.rawSpan.le16(start))
    let count = Int(try block.rawSpan.le16(start + 2))
    var room = superblock.blockSize - start - (superblock.hasMetadataChecksums ? Self.indexTailSize : 0)
    if directory.hasHashes && start == Self.indexNodeEntries { room -= 8 }
    guard limit == room / Self.indexEntrySize, count > 0, count <= limit else { return nil }
    return IndexNode(bytes: block, start: start, count: count)
  }

  func verifyIndexChecksum(_ span: RawSpan, entriesAt start: Int, of directory: Directory) throws(ReadError) {
    let subject: StaticString = "directory index"
    let limit = Int(try span.le16(start, of: subject))
    let count = Int(try span.le16(start + 2, of: subject))
    guard count <= limit else { throw .corrupt(subject, at: UInt64(directory.inode.number)) }
    let tail = start + limit * Self.indexEntrySize
    var crc = CRC32C(seed: directory.inode.checksumSeed)
    crc.update(try span.slice(0, count: start + count * Self.indexEntrySize, of: subject))
    crc.update(try span.slice(tail, count: 4, of: subject))
    crc.update(zeros: 4)
    guard try span.le32(tail + 4, of: subject) == crc.value else {
      throw .checksum(subject, at: UInt64(directory.inode.number))
    }
  }
}
