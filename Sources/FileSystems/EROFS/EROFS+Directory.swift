internal import BlockDevices
public import Bytes
internal import SystemPackage

/// Directories: blocks of entries (`struct erofs_dirent`, 12 bytes) and the names of these entries behind them, all in
/// the order of the names' bytes, within the blocks and from one to the next.
///
///     node:8 offset of name:2 type:1 unused:1 | … | name | name | … | zeros
extension EROFS {
  private static let entrySize = 12

  public func lookup(_ name: RawSpan, in directory: NodeID) throws(ReadError) -> NodeID? {
    let inode = try directoryInode(directory)
    guard let number = try find(name, in: inode) else { return nil }
    return try superblock.nodeID(of: number)
  }

  public func parent(of directory: NodeID) throws(ReadError) -> NodeID {
    let inode = try directoryInode(directory)
    let name: [UInt8] = Array("..".utf8)
    guard let number = try find(name.rawSpan, in: inode) else { throw .corrupt("directory", at: inode.number) }
    return try superblock.nodeID(of: number)
  }

  public func list(
    _ directory: NodeID, from cookie: UInt64, _ visit: (RawSpan, DirectoryEntry) -> Bool
  ) throws(ReadError) {
    let inode = try directoryInode(directory)
    var reader = try DirectoryReader(of: inode, by: mapper)
    let blockSize = UInt64(superblock.blockSize)
    var number = cookie / blockSize
    var index = Int(cookie % blockSize) / Self.entrySize
    while number < reader.blockCount {
      let block = try reader.block(number)
      while index < block.entryCount {
        let name = try reader.name(index, in: block)
        let entry = try reader.entry(index, in: block)
        index += 1
        if name.isSelfOrParent { continue }
        guard name.isFileName else { throw .corrupt("directory", at: inode.number) }
        let place = number * blockSize + UInt64(index * Self.entrySize)
        let told = DirectoryEntry(node: try superblock.nodeID(of: entry.number), type: entry.type, cookie: place)
        if !visit(name, told) { return }
      }
      number += 1
      index = 0
    }
  }

  private func directoryInode(_ node: NodeID) throws(ReadError) -> Inode {
    let inode = try inode(node)
    guard inode.type == .directory else { throw .io(.notDirectory, "directory", at: node.rawValue) }
    return inode
  }

  /// The inode's number that the entry called `name` has; by binary search, first for the block, then in it.
  private func find(_ name: RawSpan, in inode: Inode) throws(ReadError) -> UInt64? {
    var reader = try DirectoryReader(of: inode, by: mapper)
    var low: UInt64 = 0
    var high = reader.blockCount
    while low < high {
      let middle = low + (high - low) / 2
      let block = try reader.block(middle)
      switch try reader.name(0, in: block).order(of: name) {
      case 0: return try reader.entry(0, in: block).number
      case ..<0: high = middle
      default: low = middle + 1
      }
    }
    // The last block that begins with a name before this one.
    guard low > 0 else { return nil }
    let block = try reader.block(low - 1)
    var first = 1
    var end = block.entryCount
    while first < end {
      let middle = first + (end - first) / 2
      switch try reader.name(middle, in: block).order(of: name) {
      case 0: return try reader.entry(middle, in: block).number
      case ..<0: end = middle
      default: first = middle + 1
      }
    }
    return nil
  }

  /// Reads a directory's blocks, and keeps the last one at hand.
  struct DirectoryReader {
    private let inode: Inode
    private let mapper: Mapper
    private let blockSize: UInt64
    let blockCount: UInt64
    private var bytes: [UInt8] = []
    private var cursor: MetadataCursor
    private var current: Block?

    struct Block {
      let number: UInt64
      /// Where it begins in the bytes at hand, and how many it has.
      fileprivate let start: Int
      fileprivate let size: Int
      let entryCount: Int
    }

    init(of inode: Inode, by mapper: Mapper) throws(ReadError) {
      self.inode = inode
      self.mapper = mapper
      blockSize = UInt64(mapper.superblock.blockSize)
      blockCount = inode.size.roundedUp(toMultipleOf: blockSize) / blockSize
      cursor = MetadataCursor(mapper.main)
    }

    private var corrupt: ReadError { .corrupt("directory", at: inode.number) }

    /// - Parameter number: below `blockCount`.
    mutating func block(_ number: UInt64) throws(ReadError) -> Block {
      if let current, current.number == number { return current }
      let offset = number * blockSize
      let size = Int(min(blockSize, inode.size - offset))
      let start = try load(size, at: offset)
      guard size >= entrySize else { throw corrupt }
      // The first name begins where the entries end.
      let entriesEnd = Int(try bytes.rawSpan.le16(start + 8, of: "directory"))
      guard entriesEnd >= entrySize, entriesEnd < size, entriesEnd % entrySize == 0 else { throw corrupt }
      let block = Block(number: number, start: start, size: size, entryCount: entriesEnd / entrySize)
      current = block
      return block
    }

    /// Makes a part of the directory available in `bytes`; by way of the cache of metadata where it lies on the device.
    private mutating func load(_ count: Int, at offset: UInt64) throws(ReadError) -> Int {
      if !inode.storage.isCompressed {
        var extents = ExtentList(limit: 2)
        try mapper.map(inode, offset..<(offset + UInt64(count)), into: &extents)
        if let only = extents.extents.first, only.length == UInt64(count), case .mapped(0, let place) = only.kind {
          let start = try cursor.seek(count, at: place)
          bytes = cursor.bytes
          return start
        }
      }
      bytes = try mapper.contents(of: inode, count: count, at: offset)
      return 0
    }

    /// - Parameter index: below the block's `entryCount`.
    @_lifetime(borrow self)
    func name(_ index: Int, in block: Block) throws(ReadError) -> RawSpan {
      let entries = bytes.rawSpan
      let start = Int(try entries.le16(block.start + index * entrySize + 8, of: "directory"))
      let isLast = index + 1 == block.entryCount
      let end = isLast ? block.size : Int(try entries.le16(block.start + (index + 1) * entrySize + 8, of: "directory"))
      guard start < end, end <= block.size else { throw corrupt }
      var count = end - start
      let span = try entries.slice(block.start + start, count: count, of: "directory")
      if isLast {
        // Zeros follow the last name, up to the end of the block.
        count = 0
        while count < span.byteCount, count <= longestName, span[count] != 0 { count += 1 }
      }
      guard count > 0, count <= longestName else { throw corrupt }
      return span.extracting(0..<count)
    }

    /// - Parameter index: below the block's `entryCount`.
    func entry(_ index: Int, in block: Block) throws(ReadError) -> (number: UInt64, type: NodeType?) {
      let at = block.start + index * entrySize
      let number = try bytes.rawSpan.le64(at, of: "directory")
      return (number, NodeType(entryType: try bytes.rawSpan.u8(at + 10, of: "directory")))
    }
  }
}

/// EROFS_NAME_LEN.
private let longestName = 255
private let entrySize = 12

extension RawSpan {
  /// Less than 0 where `other` comes before this name in a directory, more than 0 where it comes behind it.
  fileprivate func order(of other: RawSpan) -> Int {
    let common = Swift.min(byteCount, other.byteCount)
    for index in 0..<common where self[index] != other[index] {
      return Int(other[index]) - Int(self[index])
    }
    return other.byteCount - byteCount
  }
}
