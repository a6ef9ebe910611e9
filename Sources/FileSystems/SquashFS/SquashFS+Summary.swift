internal import BlockDevices
internal import Bytes

/// What the filesystem says of itself, with the numbers of statfs(2) as Linux has them.
extension SquashFS {
  public var summary: FileSystemSummary {
    FileSystemSummary(
      type: "squashfs", blockSize: UInt32(superblock.blockSize),
      blockCount: (superblock.size - 1) >> superblock.blockShift + 1,
      freeBlockCount: 0, availableBlockCount: 0, inodeCount: UInt64(superblock.inodeCount), freeInodeCount: 0,
      maximumNameLength: UInt32(Self.longestName), size: superblock.size, features: features,
      created: Timestamp(seconds: Int64(superblock.created)), isSealed: true, notices: notices)
  }

  /// The flags by the names of mksquashfs's options, where it has them.
  private var features: [String] {
    let names: [(Flags, String)] = [
      (.uncompressedInodes, "noI"), (.uncompressedData, "noD"), (.uncompressedFragments, "noF"),
      (.uncompressedAttributes, "noX"), (.uncompressedIDs, "noId"), (.noFragments, "no-fragments"),
      (.alwaysFragments, "always-use-fragments"), (.duplicates, "duplicates"), (.exportable, "exportable"),
      (.noAttributes, "no-xattrs"), (.compressorOptions, "compressor-options"), (.check, "check"),
    ]
    return names.filter { superblock.flags.contains($0.0) }.map(\.1)
  }

  private var notices: [String] {
    var notices = options.notices
    notices += FileSystemSummary.truncationNotices(size: superblock.size, deviceSize: device.size)
    if case .failure(let error) = attributeTables { notices.append("extended attributes cannot be read: \(error)") }
    return notices
  }

  public var details: [FileSystemDetail] {
    let options = self.options.facts.map { "\($0.name) \($0.value)" }
    var details = [
      FileSystemDetail("version", .text("4.0")),
      FileSystemDetail("compression", .text(([superblock.compression.description] + options).joined(separator: ", "))),
    ]
    if let size = contentSize, size > 0 { details.append(FileSystemDetail("stored", .part(superblock.size, of: size))) }
    details.append(FileSystemDetail("fragments", .count(UInt64(superblock.fragmentCount))))
    details.append(FileSystemDetail("owners", .count(UInt64(superblock.idCount))))
    return details
  }

  /// Bytes of all files together, by the table of inodes, which has each file once; nil where there are too many to
  /// count, or one cannot be read.
  private var contentSize: UInt64? {
    var sum: UInt64 = 0
    do throws(ReadError) {
      try forEachInode(limit: Self.longestScan) { (inode) throws(ReadError) in
        if inode.type == .regular { sum = try sum.adding(inode.size, of: "files") }
        return true
      }
      return sum
    } catch {
      return nil
    }
  }
}
