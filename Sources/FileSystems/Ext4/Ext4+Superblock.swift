internal import Bytes

/// The superblock: Documentation/filesystems/ext4/super.rst. 1024 bytes at byte 1024 of the device, and copies at the
/// start of some block groups.
extension Ext4 {
  struct Superblock: Sendable {
    /// Bytes of the structure.
    static let byteCount = 1024
    /// Where the first copy lies in the device.
    static let offset: UInt64 = 1024

    let compatible: CompatibleFeatures
    let incompatible: IncompatibleFeatures
    let readOnly: ReadOnlyCompatibleFeatures
    /// Bytes: 1024 … 65536, a power of two.
    let blockSize: Int
    /// log2 of `blockSize`.
    let blockShift: UInt64
    /// log2 of the blocks in a cluster: 0 unless `bigalloc`.
    let clusterShift: UInt64
    let blockCount: UInt64
    let firstDataBlock: UInt64
    let blocksPerGroup: UInt64
    let groupCount: UInt64
    let inodeCount: UInt32
    let inodesPerGroup: UInt32
    /// Bytes: 128 … `blockSize`, a power of two.
    let inodeSize: Int
    /// The first inode that is not the filesystem's own.
    let firstInode: UInt32
    /// Bytes of a group descriptor: 32, or 64 … 1024 with `64bit`.
    let descriptorSize: Int
    /// Groups whose bitmaps and inode tables lie together: 1 unless `flex_bg`, and less than what a group's 2³³ blocks
    /// would make overflow.
    let groupsPerFlexibleGroup: UInt64
    let reservedDescriptorBlocks: UInt64
    let firstMetaBlockGroup: UInt64
    /// The two groups with copies of the superblock, for `sparse_super2`.
    let backupGroups: (UInt32, UInt32)
    /// What starts the checksum of all other metadata, CRC-32C.
    let checksumSeed: UInt32
    /// What starts the checksum of group descriptors, CRC-16.
    let groupChecksumSeed: UInt16
    let hashSeed: (UInt32, UInt32, UInt32, UInt32)
    let defaultHashVersion: UInt8
    /// Whether hashes take the bytes of names as unsigned (`s_flags`). Where the flags do not say, they are signed: so
    /// were `char`s on the machines that wrote such filesystems.
    let hashesUnsignedBytes: Bool
    /// Whether names in directories that fold case have to be valid UTF-8.
    let isStrictAboutEncoding: Bool
    /// The Hurd uses some fields of inodes for other things.
    let isHurd: Bool
    /// The filesystem's own inodes beyond the first few: quota files and the orphan file.
    let ownInodes: [UInt32]
    let facts: Facts

    /// What is only told, and does not matter for reading.
    struct Facts: Sendable {
      let uuid: [UInt8]
      let label: [UInt8]
      let lastMountPoint: [UInt8]
      let state: UInt16
      /// The group that this copy says it lies in.
      let groupNumber: UInt16
      let freeBlockCount: UInt64
      let reservedBlockCount: UInt64
      let freeInodeCount: UInt32
      let overheadClusters: UInt32
      let journalInode: UInt32
      let lastOrphan: UInt32
      let errorCount: UInt32
      /// Seconds since 1970; 0 for never.
      let created: Int64
      let mounted: Int64
      let written: Int64
    }

    var inodesPerBlock: UInt64 { UInt64(blockSize / inodeSize) }
    var descriptorsPerBlock: UInt64 { UInt64(blockSize / descriptorSize) }
    var hasMetadataChecksums: Bool { readOnly.contains(.metadataChecksums) }
    var clusterSize: UInt64 { UInt64(blockSize) << clusterShift }

    var tableBlocksPerGroup: UInt64 { (UInt64(inodesPerGroup) + inodesPerBlock - 1) / inodesPerBlock }
    var descriptorBlockCount: UInt64 { (groupCount + descriptorsPerBlock - 1) / descriptorsPerBlock }

    /// Bytes from the start of the device that the filesystem takes.
    var size: UInt64 { blockCount << blockShift }
  }
}

extension Ext4.Superblock {
  static func hasMagic(_ span: RawSpan) -> Bool { (try? span.le16(0x38)) == 0xEF53 }

  /// Parses and validates what has the magic number: refuses what Linux refuses, except a device that is shorter than
  /// the filesystem.
  init(parsing span: RawSpan) throws(OpenError) {
    do throws(ReadError) {
      try Self.verifyChecksum(of: span)
    } catch { throw .unreadable(error) }
    let features: (Ext4.IncompatibleFeatures, encoding: UInt16)
    do throws(ReadError) {
      features = (
        Ext4.IncompatibleFeatures(rawValue: try span.le32(0x60)), try span.le16(0x27C)
      )
    } catch { throw .unreadable(error) }
    let unknown = features.0.subtracting(.readable)
    guard unknown.isEmpty else { throw .unsupported(features: Ext4.featureNames(unknown)) }
    // Unicode 12.1.0 is the only one there is.
    guard !features.0.contains(.caseFolding) || features.encoding == 1 else {
      throw .unsupported(features: ["casefold with character encoding \(features.encoding)"])
    }
    do throws(ReadError) {
      try self.init(validating: span)
    } catch { throw .unreadable(error) }
  }

  private static func verifyChecksum(of span: RawSpan) throws(ReadError) {
    let features = Ext4.ReadOnlyCompatibleFeatures(rawValue: try span.le32(0x64))
    guard features.contains(.metadataChecksums) else { return }
    // CRC-32C is the only kind there is.
    guard try span.u8(0x175) == 1 else { throw .unsupported("checksum type of superblock") }
    var crc = CRC32C()
    crc.update(try span.slice(0, count: 0x3FC))
    guard try span.le32(0x3FC) == crc.value else { throw .checksum("superblock") }
  }

  private init(validating span: RawSpan) throws(ReadError) {
    /// What is wrong is told by the offset of the field.
    func require(_ condition: Bool, _ field: UInt64) throws(ReadError) {
      guard condition else { throw .corrupt("superblock", at: field) }
    }
    compatible = .init(rawValue: try span.le32(0x5C))
    incompatible = .init(rawValue: try span.le32(0x60))
    readOnly = .init(rawValue: try span.le32(0x64))
    let is64Bit = incompatible.contains(.sixtyFourBit)

    let logBlockSize = try span.le32(0x18)
    try require(logBlockSize <= 6, 0x18)
    blockSize = 1024 << Int(logBlockSize)
    blockShift = 10 + UInt64(logBlockSize)

    let high: (UInt64, UInt64, UInt64) =
      is64Bit ? (UInt64(try span.le32(0x150)), UInt64(try span.le32(0x154)), UInt64(try span.le32(0x158))) : (0, 0, 0)
    blockCount = UInt64(try span.le32(0x04)) | high.0 << 32
    // Every byte has an offset below 2⁶³.
    try require(blockCount <= UInt64(Int64.max) >> blockShift, 0x150)
    firstDataBlock = UInt64(try span.le32(0x14))
    try require(firstDataBlock < blockCount, 0x14)

    let logClusterSize = try span.le32(0x1C)
    let clustersPerGroup = UInt64(try span.le32(0x24))
    blocksPerGroup = UInt64(try span.le32(0x20))
    try require(blocksPerGroup > 0, 0x20)
    if readOnly.contains(.bigAllocation) {
      try require(logClusterSize >= logBlockSize && logClusterSize <= 20, 0x1C)
      clusterShift = UInt64(logClusterSize - logBlockSize)
      try require(clustersPerGroup <= UInt64(blockSize) * 8, 0x24)
      try require(blocksPerGroup == clustersPerGroup << clusterShift, 0x20)
    } else {
      clusterShift = 0
      try require(blocksPerGroup <= UInt64(blockSize) * 8, 0x20)
      try require(firstDataBlock != 0 || blockSize > 1024, 0x14)
    }
    groupCount = (blockCount - firstDataBlock + blocksPerGroup - 1) / blocksPerGroup

    let isOld = try span.le32(0x4C) == 0
    inodeSize = isOld ? 128 : Int(try span.le16(0x58))
    try require(inodeSize >= 128 && inodeSize <= blockSize && inodeSize & (inodeSize - 1) == 0, 0x58)
    firstInode = isOld ? 11 : try span.le32(0x54)
    try require(firstInode >= 11, 0x54)
    inodesPerGroup = try span.le32(0x28)
    try require(inodesPerGroup >= UInt32(blockSize / inodeSize) && inodesPerGroup <= UInt32(blockSize) * 8, 0x28)
    inodeCount = try span.le32(0x00)
    try require(groupCount <= UInt64(UInt32.max) && UInt64(inodeCount) == groupCount * UInt64(inodesPerGroup), 0x00)

    descriptorSize = is64Bit ? Int(try span.le16(0xFE)) : 32
    try require(
      descriptorSize == 32 && !is64Bit
        || descriptorSize >= 64 && descriptorSize <= 1024 && descriptorSize & (descriptorSize - 1) == 0, 0xFE)
    groupsPerFlexibleGroup =
      incompatible.contains(.flexibleBlockGroups) ? 1 << min(30, UInt64(try span.u8(0x174))) : 1
    reservedDescriptorBlocks = UInt64(try span.le16(0xCE))
    try require(reservedDescriptorBlocks <= UInt64(blockSize / 4), 0xCE)
    firstMetaBlockGroup = UInt64(try span.le32(0x104))
    backupGroups = (try span.le32(0x24C), try span.le32(0x250))

    let uuid = try span.slice(0x68, count: 16)
    var crc = CRC32C()
    crc.update(uuid)
    checksumSeed = incompatible.contains(.checksumSeed) ? try span.le32(0x270) : crc.value
    var crc16 = CRC16()
    crc16.update(uuid)
    groupChecksumSeed = crc16.value
    hashSeed = (try span.le32(0xEC), try span.le32(0xF0), try span.le32(0xF4), try span.le32(0xF8))
    defaultHashVersion = try span.u8(0xFC)
    hashesUnsignedBytes = try span.le32(0x160) & 0x2 != 0
    isStrictAboutEncoding = try span.le16(0x27E) & 0x1 != 0
    isHurd = try span.le32(0x48) == 1
    ownInodes = [try span.le32(0x240), try span.le32(0x244), try span.le32(0x26C), try span.le32(0x280)]
      .filter { $0 != 0 }
    facts = try Facts(parsing: span, reservedHigh: high.1, freeHigh: high.2)
  }
}

extension Ext4.Superblock.Facts {
  fileprivate init(parsing span: RawSpan, reservedHigh: UInt64, freeHigh: UInt64) throws(ReadError) {
    func text(_ offset: Int, _ count: Int) throws(ReadError) -> [UInt8] {
      Array(try span.bytes(offset, count: count).prefix { $0 != 0 })
    }
    /// Seconds whose higher 8 bits were added later.
    func time(_ low: Int, _ high: Int) throws(ReadError) -> Int64 {
      Int64(try span.le32(low)) | Int64(try span.u8(high)) << 32
    }
    uuid = try span.bytes(0x68, count: 16)
    label = try text(0x78, 16)
    lastMountPoint = try text(0x88, 64)
    state = try span.le16(0x3A)
    groupNumber = try span.le16(0x5A)
    reservedBlockCount = UInt64(try span.le32(0x08)) | reservedHigh << 32
    freeBlockCount = UInt64(try span.le32(0x0C)) | freeHigh << 32
    freeInodeCount = try span.le32(0x10)
    overheadClusters = try span.le32(0x248)
    journalInode = try span.le32(0xE0)
    lastOrphan = try span.le32(0xE8)
    errorCount = try span.le32(0x194)
    mounted = try time(0x2C, 0x275)
    written = try time(0x30, 0x274)
    created = try time(0x108, 0x276)
  }
}
