public import BlockDevices
public import Bytes
internal import SystemPackage

/// The ext2, ext3 and ext4 filesystems.
///
/// Specified in the kernel's Documentation/filesystems/ext4/, and where that is silent by fs/ext4 and e2fsprogs. What
/// Linux refuses as corrupt is refused here; what it reads is read.
///
///     boot block:1024 | superblock:1024 | … | group 0 | group 1 | …
///     group    [superblock's copy | group descriptors | room for more] block bitmap | inode bitmap | inode table | data
///
/// Read: revisions 0 and 1 with every feature that Linux reads (see `IncompatibleFeatures.readable`), verifying every
/// checksum of metadata that is read. Not read: contents of encrypted files (there is no key; directories are listed
/// with the names that Linux shows then), compressed files, journal devices. Bitmaps are not needed for reading.
///
/// Metadata and maps all go through `device`, the former by way of the caches here. So what is in a journal that was
/// not replayed can be had by opening the driver on a device that lays the replayed blocks over this one; nothing here
/// has to know of it.
public final class Ext4: FileSystem {
  public static let typeNames = ["ext2", "ext3", "ext4", "ext4dev"]

  public let device: any BlockDevice
  public let root = NodeID(UInt64(Ext4.rootInode))

  let superblock: Superblock
  let descriptors: GroupDescriptors
  /// Single blocks: descriptors, directories, extent trees, attributes.
  let blocks: BlockCache
  /// Runs of inode tables.
  let tables: BlockCache
  let zones: Ext4MetadataZones
  let inodes: Ext4InodeCache
  let lookupHints = Ext4LookupHints()
  let openingNotices: [String]

  public init(reading device: any BlockDevice, options: OpenOptions) throws(OpenError) {
    let found = try Self.findSuperblock(on: device)
    let superblock = found.superblock
    self.device = device
    self.superblock = superblock
    let quarter = max(options.metadataBudget, 0) / 4
    let blocks = BlockCache(of: device, blockSize: superblock.blockSize, budget: quarter * 2)
    self.blocks = blocks
    tables = BlockCache(
      of: device, blockSize: max(Int(Self.inodeReadSize), superblock.blockSize), budget: quarter)
    inodes = Ext4InodeCache(inodeSize: superblock.inodeSize, budget: quarter)
    let (descriptors, notice) = Self.findDescriptors(of: superblock, from: found.group, blocks: blocks)
    self.descriptors = descriptors
    zones = Ext4MetadataZones(of: descriptors)
    openingNotices = found.notices + (notice.map { [$0] } ?? [])
    do throws(ReadError) {
      guard try inode(Self.rootInode).type == .directory else { throw .corrupt("root directory") }
    } catch { throw .unreadable(error) }
  }

  public func attributes(of node: NodeID) throws(ReadError) -> Attributes {
    let inode = try inode(node)
    var attributes = try inode.attributes(in: superblock)
    // As Linux has it, so that readlink(1) and the like make room for what is shown.
    if inode.type == .symbolicLink && inode.flags.contains(.encrypted) {
      attributes.size = UInt64(try linkTarget(of: inode).count)
    }
    return attributes
  }

  public func map(_ node: NodeID, _ range: Range<UInt64>, into extents: inout ExtentList) throws(ReadError) {
    let inode = try inode(node)
    guard inode.type == .regular else { throw .io(.invalidArgument, "file", at: node.rawValue) }
    guard !inode.flags.contains(.encrypted) else { throw .encrypted("file", at: node.rawValue) }
    guard range.upperBound <= inode.size else { throw .truncated("file", at: node.rawValue) }
    guard !range.isEmpty else { return }
    if inode.storage == .inline {
      try mapInline(inode, range, into: &extents)
    } else {
      try mapContents(of: inode, range, into: &extents)
    }
  }

  /// - Parameter unit: its id is the number of an inode which holds its contents itself.
  public func decode(_ unit: EncodedUnit, into out: inout OutputRawSpan) throws(ReadError) {
    let inode = try inode(NodeID(unit.id))
    guard inode.type == .regular, inode.storage == .inline, !inode.flags.contains(.encrypted) else {
      throw .io(.invalidArgument, "inline data", at: unit.id)
    }
    let contents = try inlineContents(of: inode)
    out.append(contentsOf: try contents.rawSpan.slice(0, count: unit.size, of: "inline data"))
  }
}
