internal import BlockDevices
internal import Bytes

/// What the filesystem says of itself.
extension EROFS {
  public var summary: FileSystemSummary {
    var blocks = superblock.blockCount
    for slot in devices.slots { blocks &+= slot.size >> superblock.blockShift }
    return FileSystemSummary(
      type: "erofs", label: superblock.facts.label, uuid: FileSystemSummary.uuid(superblock.facts.uuid),
      blockSize: UInt32(superblock.blockSize), blockCount: blocks, freeBlockCount: 0, availableBlockCount: 0,
      inodeCount: superblock.facts.inodeCount, freeInodeCount: 0, size: imageSize,
      features: Self.featureNames(superblock.compatible, superblock.incompatible),
      created: superblock.facts.built == 0 ? nil : Timestamp(seconds: superblock.facts.built),
      isSealed: true,
      notices: devices.notices + FileSystemSummary.truncationNotices(size: imageSize, deviceSize: device.size))
  }

  private var imageSize: UInt64 {
    superblock.blockCount.multipliedReportingOverflow(by: UInt64(superblock.blockSize)).partialValue
  }
}
