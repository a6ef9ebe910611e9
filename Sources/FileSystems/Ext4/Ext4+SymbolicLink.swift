internal import BlockDevices
public import Bytes
internal import SystemPackage

/// Symbolic links: Documentation/filesystems/ext4/dynamic.rst, "Symbolic Links". The target lies in `i_block`, inline,
/// or in the first block.
extension Ext4 {
  public func linkTarget(of node: NodeID) throws(ReadError) -> [UInt8] {
    let inode = try inode(node)
    guard inode.type == .symbolicLink else { throw .io(.invalidArgument, "symbolic link", at: node.rawValue) }
    return try linkTarget(of: inode)
  }

  func linkTarget(of inode: Inode) throws(ReadError) -> [UInt8] {
    if inode.flags.contains(.encrypted) { return try encryptedLinkTarget(of: inode) }
    return try LinkTarget.checked(size: inode.size, of: UInt64(inode.number)) { (count) throws(ReadError) in
      try linkBytes(of: inode, count: count)
    }
  }

  /// `struct fscrypt_symlink_data`: length:2, and the encrypted target. Shown as names are, with no hash.
  private func encryptedLinkTarget(of inode: Inode) throws(ReadError) -> [UInt8] {
    let subject: StaticString = "symbolic link"
    guard inode.size > 2, inode.size <= UInt64(superblock.blockSize) else {
      throw .corrupt(subject, at: UInt64(inode.number))
    }
    let bytes = try linkBytes(of: inode, count: Int(inode.size))
    let length = Int(try bytes.rawSpan.le16(0, of: subject))
    let encrypted = try bytes.rawSpan.slice(2, count: length, of: subject)
    return try NoKeyName(of: encrypted, major: 0, minor: 0).shown
  }

  private func linkBytes(of inode: Inode, count: Int) throws(ReadError) -> [UInt8] {
    switch inode.storage {
    case .target: return try inode.blockArea.bytes(0, count: count, of: "symbolic link")
    case .inline:
      let contents = try inlineContents(of: inode)
      return try contents.rawSpan.bytes(0, count: count, of: "symbolic link")
    case .extents, .pointers:
      guard count <= superblock.blockSize, let place = try block(0, of: inode) else {
        throw .corrupt("symbolic link", at: UInt64(inode.number))
      }
      return try device.bytes(count, at: place << superblock.blockShift)
    case .special: throw .corrupt("symbolic link", at: UInt64(inode.number))
    }
  }
}
