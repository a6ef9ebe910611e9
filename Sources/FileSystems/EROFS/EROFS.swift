public import BlockDevices
public import Bytes
internal import SystemPackage

/// The EROFS filesystem, a read-only one.
///
/// Specified by the kernel's fs/erofs/erofs_fs.h and Documentation/filesystems/erofs.rst, and where those are silent by
/// fs/erofs and erofs-utils. What Linux refuses as corrupt is refused here; what it reads is read, and blocks larger
/// than a page besides.
///
///     1024 bytes | superblock:128 … | compression configurations | … blocks of metadata and of data, in any order
///     metadata: slots of 32 bytes; an inode's number is that of its slot
///     inode:32 or 64 | attributes | last bytes of the file, or indexes of its chunks or compressed clusters
///
/// Read: files stored plainly, with their last bytes beside the inode, in chunks (on further devices, too), and compressed
/// with each index and algorithm there is; parts of files in a file of fragments; metadata that is compressed itself.
/// Not read: directories with blocks of a size of their own, which nothing makes (see `Superblock`).
public final class EROFS: FileSystem {
  public static let typeNames = ["erofs"]

  public let device: any BlockDevice
  public let root: NodeID
  public let units: UnitCache?

  let superblock: Superblock
  let mapper: Mapper
  let devices: DeviceTable
  let prefixes: [XattrPrefix]

  public var sources: [any BlockDevice] { devices.sources }

  public init(reading device: any BlockDevice, options: OpenOptions) throws(OpenError) {
    let superblock = try Superblock(readingFrom: device)
    self.device = device
    self.superblock = superblock
    units = options.units
    do throws(ReadError) {
      let devices = try DeviceTable(of: superblock, on: device, options: options)
      self.devices = devices
      let mapper = try Mapper(of: superblock, devices: devices, options: options)
      self.mapper = mapper
      prefixes = try Self.readPrefixes(by: mapper)
      root = try superblock.nodeID(of: superblock.rootNumber)
      guard try mapper.inode(superblock.rootNumber).type == .directory else { throw .corrupt("root directory") }
    } catch {
      if error.cause == .unsupported { throw .unsupported(features: ["\(error.subject)"]) }
      throw .unreadable(error)
    }
  }

  public func attributes(of node: NodeID) throws(ReadError) -> Attributes {
    try inode(node).attributes
  }

  public func map(_ node: NodeID, _ range: Range<UInt64>, into extents: inout ExtentList) throws(ReadError) {
    let inode = try inode(node)
    guard inode.type == .regular else { throw .io(.invalidArgument, "file", at: node.rawValue) }
    guard range.upperBound <= inode.size else { throw .truncated("file", at: node.rawValue) }
    guard !range.isEmpty else { return }
    try mapper.map(inode, range, into: &extents)
  }

  public func decode(_ unit: EncodedUnit, into out: inout OutputRawSpan) throws(ReadError) {
    try mapper.decode(unit, into: &out)
  }

  public func linkTarget(of node: NodeID) throws(ReadError) -> [UInt8] {
    let inode = try inode(node)
    guard inode.type == .symbolicLink else { throw .io(.invalidArgument, "symbolic link", at: node.rawValue) }
    return try LinkTarget.checked(size: inode.size, of: node.rawValue) { (count) throws(ReadError) in
      try mapper.contents(of: inode, count: count, at: 0)
    }
  }

  func inode(_ node: NodeID) throws(ReadError) -> Inode {
    try mapper.inode(try superblock.inodeNumber(of: node))
  }
}

/// Inode numbers and node ids.
///
/// A number is that of a slot of 32 bytes in the metadata area, and with bit 63 set of one in the file that holds
/// compressed metadata. Node ids are the numbers; where there is such a file, they are what Linux makes of them for
/// `st_ino`, with bit 63 in bit 31 and all above it moved up.
extension EROFS.Superblock {
  /// What a directory's entry or the superblock says of a number.
  /// - Throws: `.corrupt` where no image can be as large as the number claims.
  func nodeID(of number: UInt64) throws(ReadError) -> NodeID {
    guard incompatible.contains(.metadataBox) else {
      guard number < NodeID.limit else { throw .corrupt("inode number", at: number) }
      return NodeID(number)
    }
    let slot = number & ~EROFS.metadataBoxBit
    guard slot < NodeID.limit >> 1 else { throw .corrupt("inode number", at: number) }
    return NodeID((slot << 1) & ~0xFFFF_FFFF | slot & 0x7FFF_FFFF | (number >> 63) << 31)
  }

  func inodeNumber(of node: NodeID) throws(ReadError) -> UInt64 {
    let id = node.rawValue
    guard id < NodeID.limit else { throw .corrupt("inode number", at: id) }
    guard incompatible.contains(.metadataBox) else { return id }
    return (id >> 32) << 31 | id & 0x7FFF_FFFF | (id >> 31 & 1) << 63
  }
}

extension EROFS {
  /// In an inode's number: it lies in the file that holds compressed metadata.
  static let metadataBoxBit: UInt64 = 1 << 63
}
