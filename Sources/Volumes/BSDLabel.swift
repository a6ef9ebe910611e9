internal import BlockDevices
internal import Bytes

// BSD disklabel (FreeBSD's sys/disklabel.h, NetBSD's and OpenBSD's alike), on a disk of its own; libblkid reads those
// inside an MBR's partitions, but not every version reads this.
//
//       0  magic 82564557, again at 132
//      40  bytes of a sector
//     136  checksum: exclusive-or of all 16-bit words up to the last partition is 0
//     138  number of partitions
//     148  partitions of 16 bytes: sectors, first sector, fragment size, type, …

enum BSDLabel {
  /// Bytes from the disk's start where systems put it.
  private static let places = [512, 64, 128]
  private static let magic: UInt32 = 0x8256_4557
  private static let partitionLimit = 22

  /// The label of `disk`, or nil where it has none that is sound.
  static func read(_ disk: any BlockDevice) -> PartitionTable? {
    guard let head = try? disk.bytes(Int(min(disk.size, 1024)), at: 0) else { return nil }
    for place in places {
      if let table = try? table(in: head.rawSpan, at: place, diskSize: disk.size) { return table }
    }
    return nil
  }

  private static func table(in head: RawSpan, at place: Int, diskSize: UInt64) throws(ReadError) -> PartitionTable {
    let count = Int(try head.le16(place + 138))
    guard try head.le32(place) == magic, try head.le32(place + 132) == magic, count <= partitionLimit else {
      throw .corrupt("BSD label")
    }
    var sum: UInt16 = 0
    for word in stride(from: place, to: place + 148 + 16 * count, by: 2) { sum ^= try head.le16(word) }
    guard sum == 0 else { throw .checksum("BSD label") }
    let sectorSize = UInt64(try head.le32(place + 40))
    guard sectorSize >= 512, sectorSize <= 65536, sectorSize.nonzeroBitCount == 1 else {
      throw .corrupt("sector size of the BSD label")
    }

    var partitions: [Partition] = []
    for entry in stride(from: place + 148, to: place + 148 + 16 * count, by: 16) {
      let type = try head.u8(entry + 12)
      let size = UInt64(try head.le32(entry)) * sectorSize
      guard type != 0, size > 0 else { continue }
      partitions.append(
        Partition(
          number: partitions.count + 1, start: UInt64(try head.le32(entry + 4)) * sectorSize, size: size,
          typeCode: "0x" + String(type, radix: 16), typeName: PartitionTypes.name(ofBSDCode: type)))
    }
    return PartitionTable(type: "bsd", sectorSize: Int(sectorSize), usable: 0..<diskSize, partitions: partitions)
  }
}
