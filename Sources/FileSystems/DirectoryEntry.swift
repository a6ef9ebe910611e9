/// An entry of a directory, but for its name.
public struct DirectoryEntry: Sendable {
  public let node: NodeID
  /// nil where the directory does not say, and the node has to be asked.
  public let type: NodeType?
  /// Names the place behind this entry; 1 ..< 2⁶³ − 2.
  public let cookie: UInt64
  /// The number that stat(2) shows, where it is not the node's id.
  public let inodeNumber: UInt64?

  public init(node: NodeID, type: NodeType?, cookie: UInt64, inodeNumber: UInt64? = nil) {
    self.node = node
    self.type = type
    self.cookie = cookie
    self.inodeNumber = inodeNumber
  }
}
