extension Ext4 {
  /// What a cached block was read and verified as: a kind, and the inode it belongs to.
  struct BlockTag {
    let value: UInt64

    private init(_ kind: UInt64, inode: UInt32 = 0, detail: UInt64 = 0) {
      value = kind << 56 | detail << 32 | UInt64(inode)
    }

    static let groupDescriptors = BlockTag(1)
    static let inodeTable = BlockTag(2)
    static func extentTree(of inode: UInt32, depth: Int) -> BlockTag {
      BlockTag(3, inode: inode, detail: UInt64(depth))
    }
    static func pointers(of inode: UInt32) -> BlockTag { BlockTag(4, inode: inode) }
    static func directory(of inode: UInt32, isFirst: Bool) -> BlockTag {
      BlockTag(5, inode: inode, detail: isFirst ? 1 : 0)
    }
    static let attributes = BlockTag(6)
  }
}
