public import Bytes
internal import SystemPackage

/// Symbolic links: the target stands behind the inode.
extension SquashFS {
  /// PATH_MAX − 1: what readlink(2) can give.
  static let longestTarget = 4095

  public func linkTarget(of node: NodeID) throws(ReadError) -> [UInt8] {
    var cursor = try cursor(at: node)
    let inode = try inode(node, by: &cursor)
    guard case .link = inode.body else { throw .io(.invalidArgument, "symbolic link", at: node.rawValue) }
    guard inode.size > 0, inode.size <= UInt64(Self.longestTarget) else {
      throw .corrupt("symbolic link", at: node.rawValue)
    }
    var tail = try MetadataCursor(of: metadata, at: inode.tail, in: superblock.inodeRegion, subject: "symbolic link")
    let target = try tail.read(Int(inode.size)) { (span) throws(ReadError) in span.array }
    guard !target.contains(0) else { throw .corrupt("symbolic link", at: node.rawValue) }
    return target
  }
}
