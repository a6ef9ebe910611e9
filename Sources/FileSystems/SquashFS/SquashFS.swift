public import BlockDevices
public import Bytes
internal import Codecs

/// The SquashFS filesystem, version 4.0.
///
/// Specified by the kernel's Documentation/filesystems/squashfs.rst and fs/squashfs/squashfs_fs.h, and by doc/format.adoc
/// of squashfs-tools-ng. What Linux refuses as corrupt is refused here; what it reads is read.
///
///     superblock:96 | compressor options | data blocks, fragments | inode table | directory table
///       | fragment table | export table | table of owners | extended attributes
///
/// Read: all of it, with every codec that mksquashfs has: gzip, lzma, lzo, xz, lz4, zstd. Not read: versions 1 to 3.
///
/// A node's id is its inode's reference: where the metadata block that it starts in lies in the inode table, and the
/// offset in that. Compressed data and fragment blocks are units, which are decoded when they are read; blocks that are
/// not compressed are mapped. Metadata blocks are decoded here, and kept within the options' budget.
public final class SquashFS: FileSystem {
  public static let typeNames = ["squashfs", "squashfs3"]

  public let device: any BlockDevice
  public let units: UnitCache?
  public var root: NodeID { superblock.root }

  let superblock: Superblock
  let options: CompressorOptions
  let codec: Codec
  let metadata: MetadataBlocks
  let lists: BlockLists
  let listings: FixedCache<KeptListing>
  /// Of directories, where no table leads to them.
  let parents: FixedCache<NodeID>
  /// What cannot be read of them is for whoever asks for attributes to know, and a notice.
  let attributeTables: Result<AttributeTables?, ReadError>
  private let ids: IDs

  public init(reading device: any BlockDevice, options: OpenOptions) throws(OpenError) {
    let superblock = try Superblock(on: device)
    self.device = device
    self.superblock = superblock
    units = options.units
    codec = superblock.compression.codec
    let budget = max(options.metadataBudget, 0)
    metadata = MetadataBlocks(of: device, codec: codec, budget: budget / 4 * 3)
    lists = BlockLists(budget: budget / 16)
    listings = FixedCache(places: 256)
    parents = FixedCache(places: budget / 16 / 32)
    do throws(ReadError) {
      self.options = try Self.compressorOptions(superblock, on: device)
    } catch { throw .unreadable(error) }
    ids = Self.readIDs(superblock, by: metadata)
    do throws(ReadError) {
      attributeTables = .success(try Self.readAttributeTables(superblock, on: device))
    } catch {
      attributeTables = .failure(error)
    }
    do throws(ReadError) {
      guard try inode(root).type == .directory else { throw .corrupt("root directory") }
    } catch {
      // What is missing matters more than which part of it is.
      guard error.cause == .truncated else { throw .unreadable(error) }
      throw .unreadable(.truncated("part of the filesystem", at: device.size))
    }
  }

  public func attributes(of node: NodeID) throws(ReadError) -> Attributes {
    let inode = try inode(node)
    let time = Timestamp(seconds: Int64(inode.modified))
    var allocated: UInt64 = 0
    var number: DeviceNumber?
    switch inode.body {
    case .file(let file): allocated = (inode.size - min(file.sparse, inode.size)).roundedUp(toMultipleOf: 512)
    case .special(let device): number = device
    case .directory, .link, .other: break
    }
    allocated += attributeSize(of: inode).roundedUp(toMultipleOf: 512)
    return Attributes(
      type: inode.type, permissions: inode.permissions, linkCount: inode.linkCount, owner: try ids[inode.owner],
      group: try ids[inode.group], size: inode.size, allocatedSize: allocated, accessed: time, modified: time,
      changed: time, deviceNumber: number)
  }

  public func inodeNumber(of node: NodeID) -> UInt64 {
    do throws(ReadError) { return UInt64(try inode(node).number) } catch { return node.rawValue }
  }
}
