internal import BlockDevices
internal import Bytes
internal import Synchronization

/// From an inode's number to the inode.
extension Ext4 {
  static let rootInode: UInt32 = 2

  /// The inode of a node that a directory can lead to.
  func inode(_ node: NodeID) throws(ReadError) -> Inode {
    guard let number = UInt32(exactly: node.rawValue) else { throw .corrupt("inode number", at: node.rawValue) }
    let found = try inode(number)
    guard !found.flags.contains(.attributeValue) else { throw .corrupt("inode", at: node.rawValue) }
    return found
  }

  /// Whether a file can have this number: the filesystem's own inodes (journal, quotas …) are no files.
  func isFileNumber(_ number: UInt32) -> Bool {
    if number == Self.rootInode { return true }
    return number >= superblock.firstInode && number <= superblock.inodeCount && !superblock.ownInodes.contains(number)
  }

  func inode(_ number: UInt32) throws(ReadError) -> Inode {
    if let known = inodes[number] { return known }
    guard isFileNumber(number) else { throw .corrupt("inode number", at: UInt64(number)) }
    let inode = try readInode(number, by: descriptors)
    inodes.insert(inode)
    return inode
  }

  /// Reads, verifies and parses. Everything that `i_block` says is verified with it, so that reading a file does not
  /// do so again and again.
  func readInode(_ number: UInt32, by descriptors: GroupDescriptors) throws(ReadError) -> Inode {
    guard number > 0, number <= superblock.inodeCount else { throw .corrupt("inode number", at: UInt64(number)) }
    let group = UInt64((number - 1) / superblock.inodesPerGroup)
    let index = UInt64((number - 1) % superblock.inodesPerGroup)
    let table = try descriptors.inodeTable(ofGroup: group) << superblock.blockShift
    let bytes = try inodeBytes(at: index * UInt64(superblock.inodeSize), table: table)
    let inode = try Inode(number: number, bytes: bytes, in: superblock)
    switch inode.storage {
    case .extents: try verifyExtentNode(inode.blockArea, of: inode, depth: nil)
    case .pointers: try verifyPointers(inode.blockArea)
    case .inline, .target, .special: break
    }
    return inode
  }

  /// Inodes are read by runs of table blocks, as their neighbours in a directory are usually neighbours here.
  private func inodeBytes(at offset: UInt64, table: UInt64) throws(ReadError) -> [UInt8] {
    let run = max(Self.inodeReadSize, UInt64(superblock.blockSize))
    let tableSize = superblock.tableBlocksPerGroup << superblock.blockShift
    let start = offset / run * run
    let count = min(run, tableSize - start)
    do throws(ReadError) {
      let bytes = try tables.block(Int(count), at: table + start, tag: BlockTag.inodeTable.value)
      return try bytes.rawSpan.bytes(Int(offset - start), count: superblock.inodeSize, of: "inode")
    } catch {
      // The device may end, or have a bad sector, in some other part of the run.
      return try device.bytes(superblock.inodeSize, at: table + offset)
    }
  }

  /// Bytes: a page of the host's cache. More would be read in vain where a directory lists its files by hash, which is in
  /// no order of theirs; and where they do come in order, the host reads ahead.
  static let inodeReadSize: UInt64 = 4 << 10
}

/// Keeps verified inodes, in a fixed number of places.
final class Ext4InodeCache: Sendable {
  private static let ways = 4
  private let sets: [Shard]

  private final class Shard: Sendable {
    /// The most recently used first.
    let inodes = Mutex<[Ext4.Inode]>([])
  }

  /// - Parameters:
  ///   - inodeSize: bytes of an inode on the disk.
  ///   - budget: bytes that all of them may take.
  init(inodeSize: Int, budget: Int) {
    // An object, its array and their places take about this much more.
    let count = max(1, budget / (inodeSize + 256) / Self.ways)
    sets = (0..<count).map { _ in Shard() }
  }

  subscript(number: UInt32) -> Ext4.Inode? {
    sets[Int(number) % sets.count].inodes.withLock { inodes in
      guard let index = inodes.firstIndex(where: { $0.number == number }) else { return nil }
      if index > 0 { inodes.swapAt(0, index) }
      return inodes[0]
    }
  }

  func insert(_ inode: Ext4.Inode) {
    sets[Int(inode.number) % sets.count].inodes.withLock { inodes in
      if inodes.count < Self.ways {
        inodes.insert(inode, at: 0)
      } else {
        inodes[Self.ways - 1] = inode
        inodes.swapAt(0, Self.ways - 1)
      }
    }
  }
}
