public import Bytes
internal import SystemPackage

/// Symbolic links: the target stands behind the inode.
extension SquashFS {
  public func linkTarget(of node: NodeID) throws(ReadError) -> [UInt8] {
    var cursor = try cursor(at: node)
    let inode = try inode(node, by: &cursor)
    guard case .link = inode.body else { throw .io(.invalidArgument, "symbolic link", at: node.rawValue) }
    return try LinkTarget.checked(size: inode.size, of: node.rawValue) { (count) throws(ReadError) in
      var tail = try MetadataCursor(of: metadata, at: inode.tail, in: superblock.inodeRegion, subject: "symbolic link")
      return try tail.read(count) { (span) throws(ReadError) in span.array }
    }
  }
}
