public import BlockDevices
public import Bytes

/// A filesystem in an image: names, attributes, and maps of its files' extents. Read-only, and safe to use from many
/// threads at once.
///
/// A corrupt file gives an error on that file; the rest goes on. Nothing that an image holds may trap, loop without
/// end, or take memory in proportion to what the image claims.
public protocol FileSystem: UnitDecoder {
  /// The names under which libblkid knows what this driver reads ("ext4").
  static var typeNames: [String] { get }

  /// Reads and validates the superblock and what else is needed to find the root. Does not walk anything.
  init(reading device: any BlockDevice, options: OpenOptions) throws(OpenError)

  var root: NodeID { get }
  var summary: FileSystemSummary { get }
  /// What the format has to tell besides, in the order in which it is to be shown. May take a while, within limits: it
  /// is asked for by people only.
  var details: [FileSystemDetail] { get }

  /// The node that `name` leads to, or nil where the directory has no such entry.
  /// - Throws: `.io(.notDirectory)` where `directory` is something else.
  func lookup(_ name: RawSpan, in directory: NodeID) throws(ReadError) -> NodeID?

  func attributes(of node: NodeID) throws(ReadError) -> Attributes

  /// What stat(2) shows as the node's inode number, which need not be its id; the id where it cannot be told.
  func inodeNumber(of node: NodeID) -> UInt64

  /// The directory that holds `directory`; the root's is the root.
  func parent(of directory: NodeID) throws(ReadError) -> NodeID

  /// Visits the entries of a directory, but for "." and "..", in an order that never changes.
  ///
  /// - Parameters:
  ///   - cookie: 0 to start, or an entry's `cookie` to go on behind that entry. Any other number gives an error or
  ///     some later entries, never more.
  ///   - visit: is given the name (neither empty nor with a slash or NUL in it) and the entry; false stops, and
  ///     leaves that entry for the next call.
  func list(
    _ directory: NodeID, from cookie: UInt64, _ visit: (RawSpan, DirectoryEntry) -> Bool
  ) throws(ReadError)

  /// The bytes of a symbolic link: at most 4095, no NUL among them.
  func linkTarget(of node: NodeID) throws(ReadError) -> [UInt8]

  /// Where a regular file's bytes lie: the contract of `ExtentMap.map`, with `sources` to index.
  /// - Precondition: `range` lies within the node's size, and is not empty.
  func map(_ node: NodeID, _ range: Range<UInt64>, into extents: inout ExtentList) throws(ReadError)

  /// Names with their prefix, as listxattr(2) gives them ("user.mime_type").
  func extendedAttributeNames(of node: NodeID) throws(ReadError) -> [[UInt8]]

  /// The value as getxattr(2) gives it, or nil where the node has no such attribute.
  func extendedAttribute(_ name: RawSpan, of node: NodeID) throws(ReadError) -> [UInt8]?

  /// The device that the filesystem was opened on.
  var device: any BlockDevice { get }

  /// The devices that `map` names by index: `device`, and what the filesystem spreads to besides.
  var sources: [any BlockDevice] { get }

  /// Where decoded units of files are kept: what the options said. nil to decode them anew for each read.
  var units: UnitCache? { get }

  /// The regular file that a walk of the tree most likely reads after `node`, since it is stored behind it: what is
  /// worth decoding ahead. A hint, which costs little to give; nil where there is none.
  func follower(of node: NodeID) -> NodeID?
}

extension FileSystem {
  public var sources: [any BlockDevice] { [device] }
  public var details: [FileSystemDetail] { [] }
  public var units: UnitCache? { nil }
  public func inodeNumber(of node: NodeID) -> UInt64 { node.rawValue }
  public func follower(of node: NodeID) -> NodeID? { nil }
}

/// Names a file or directory within one filesystem. Arithmetic where the format allows (an inode number, an offset),
/// so that no table grows with the number of files seen. Below 2⁴⁸, so that a mount of several volumes can put the
/// volume's number above it.
public struct NodeID: Hashable, Sendable {
  public let rawValue: UInt64
  public static let limit: UInt64 = 1 << 48

  @inlinable
  public init(_ rawValue: UInt64) { self.rawValue = rawValue }
}
