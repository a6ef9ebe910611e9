internal import BlockDevices
internal import Bytes

/// What the filesystem says of itself.
extension EROFS {
  public var summary: FileSystemSummary {
    var blocks = superblock.blockCount
    for slot in devices.slots { blocks &+= slot.size >> superblock.blockShift }
    return FileSystemSummary(
      type: "erofs", label: superblock.facts.label, uuid: Self.text(ofUUID: superblock.facts.uuid),
      blockSize: UInt32(superblock.blockSize), blockCount: blocks, freeBlockCount: 0, availableBlockCount: 0,
      inodeCount: superblock.facts.inodeCount, freeInodeCount: 0, size: imageSize,
      features: Self.featureNames(superblock.compatible, superblock.incompatible),
      created: superblock.facts.built == 0 ? nil : Timestamp(seconds: superblock.facts.built),
      isSealed: true, notices: devices.notices + sizeNotices)
  }

  private var imageSize: UInt64 {
    superblock.blockCount.multipliedReportingOverflow(by: UInt64(superblock.blockSize)).partialValue
  }

  private var sizeNotices: [String] {
    guard imageSize > device.size else { return [] }
    return [
      "truncated: the filesystem has \(imageSize) bytes, of which the last \(imageSize - device.size) are missing"
    ]
  }

  private static func text(ofUUID uuid: [UInt8]) -> String? {
    guard uuid.contains(where: { $0 != 0 }) else { return nil }
    var text = ""
    for (index, byte) in uuid.enumerated() {
      if [4, 6, 8, 10].contains(index) { text.append("-") }
      text += hexadecimal(UInt64(byte), digits: 2)
    }
    return text
  }
}
