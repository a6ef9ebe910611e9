internal import BlockDevices
internal import Bytes

// GUID Partition Table (UEFI specification 2.10, section 5.3).
//
//     LBA 0          protective MBR: one entry of type 0xEE over the whole disk
//     LBA 1          primary header ── names the entries' place, their number, size and CRC-32, and the backup's LBA
//     LBA 2 …        entries, 128 bytes each (or 128 × 2ⁿ): type, GUID, first and last LBA, attributes, name
//     …              partitions, between the first and the last usable LBA
//     end − 33 …     the same entries again
//     last LBA       backup header, with its own LBA and the primary's exchanged
//
// libblkid reads this too, but gives up on images that people have: cut short, with only the backup left. This reader
// finds what can still be had, and says what is wrong.

/// A GPT header whose checksum is right and whose numbers make sense.
struct GPTHeader {
  /// Where it lies, and where the other one does.
  let lba: UInt64
  let alternateLBA: UInt64
  let firstUsableLBA: UInt64
  let lastUsableLBA: UInt64
  let disk: GUID
  let entriesLBA: UInt64
  let entryCount: Int
  /// Bytes.
  let entrySize: Int
  let entriesChecksum: UInt32

  /// Bytes of entries that are read at most: 8192 of them. Tools make 128; the specification sets no bound.
  static let entriesLimit = 1 << 20
  static let signature = Array("EFI PART".utf8)

  /// - Parameter sector: the whole logical sector.
  /// - Throws: `.corrupt` and `.checksum`.
  init(parsing sector: RawSpan, at lba: UInt64) throws(ReadError) {
    guard try sector.slice(0, count: 8, of: "GPT header").equals(Self.signature.rawSpan) else {
      throw .corrupt("GPT header", at: lba)
    }
    let size = Int(try sector.le32(12, of: "GPT header"))
    guard size >= 92, size <= sector.byteCount else { throw .corrupt("size of the GPT header", at: lba) }
    var checksum = CRC32()
    checksum.update(try sector.slice(0, count: 16))
    checksum.update(zeros: 4)
    checksum.update(try sector.slice(20, count: size - 20))
    guard checksum.value == (try sector.le32(16)) else { throw .checksum("GPT header", at: lba) }

    self.lba = try sector.le64(24)
    alternateLBA = try sector.le64(32)
    firstUsableLBA = try sector.le64(40)
    lastUsableLBA = try sector.le64(48)
    disk = try GUID(parsing: sector, at: 56)
    entriesLBA = try sector.le64(72)
    let count = try sector.le32(80)
    let each = try sector.le32(84)
    entriesChecksum = try sector.le32(88)

    guard self.lba == lba else { throw .corrupt("GPT header's own place", at: lba) }
    guard each >= 128, each.nonzeroBitCount == 1 else { throw .corrupt("size of a GPT entry", at: lba) }
    guard count <= Self.entriesLimit / Int(min(each, 1 << 20)), each <= Self.entriesLimit else {
      throw .corrupt("number of GPT entries", at: lba)
    }
    // One less than the first is how an empty range could be written; no more than that.
    guard lastUsableLBA < .max, firstUsableLBA <= lastUsableLBA + 1 else {
      throw .corrupt("usable range of the GPT", at: lba)
    }
    entryCount = Int(count)
    entrySize = Int(each)
  }

  /// Bytes of all entries.
  var entriesSize: Int { entryCount * entrySize }

  /// Whether both describe the same partitions of the same disk.
  func agrees(with other: GPTHeader) -> Bool {
    disk == other.disk && entriesChecksum == other.entriesChecksum && entryCount == other.entryCount
      && entrySize == other.entrySize && firstUsableLBA == other.firstUsableLBA
      && lastUsableLBA == other.lastUsableLBA
  }
}

/// One header, with as many of its entries as the disk has.
struct GPTCopy {
  let header: GPTHeader
  let entries: [UInt8]
  /// Whether all entries are there and match the header's checksum.
  let isIntact: Bool

  /// What is at `lba`: nil where the disk ends before it or holds nothing of a GPT there.
  /// - Throws: why what is there cannot be used.
  init?(of disk: any BlockDevice, at lba: UInt64, sectorSize: Int) throws(ReadError) {
    let (offset, overflow) = lba.multipliedReportingOverflow(by: UInt64(sectorSize))
    guard !overflow, disk.contains(UInt64(sectorSize), at: offset) else { return nil }
    let sector = try disk.bytes(sectorSize, at: offset)
    guard sector.starts(with: GPTHeader.signature) else { return nil }
    let header = try GPTHeader(parsing: sector.rawSpan, at: lba)
    self.header = header

    let start = header.entriesLBA.multipliedReportingOverflow(by: UInt64(sectorSize))
    let room = start.overflow || start.partialValue > disk.size ? 0 : disk.size - start.partialValue
    let count = Int(min(UInt64(header.entriesSize), room))
    let entries = try disk.bytes(count, at: start.overflow ? 0 : start.partialValue)
    var checksum = CRC32()
    checksum.update(entries.rawSpan)
    self.entries = entries
    isIntact = count == header.entriesSize && checksum.value == header.entriesChecksum
  }

  /// Entries in use, numbered from 1 by their place.
  func partitions(sectorSize: Int) -> (partitions: [Partition], notices: [String]) {
    var partitions: [Partition] = []
    var notices: [String] = []
    let size = header.entrySize
    for index in 0..<(entries.count / size) {
      do {
        let entry = try entries.rawSpan.slice(index * size, count: size)
        if let partition = try Self.partition(number: index + 1, entry: entry, sectorSize: UInt64(sectorSize)) {
          partitions.append(partition)
        }
      } catch {
        notices.append("partition \(index + 1) is left out: its first and last sector make no sense")
      }
    }
    return (partitions, notices)
  }

  private static func partition(
    number: Int, entry: RawSpan, sectorSize: UInt64
  ) throws(ReadError) -> Partition? {
    let type = try GUID(parsing: entry, at: 0)
    guard !type.isZero else { return nil }
    let first = try entry.le64(32)
    let last = try entry.le64(40)
    let count = try last.subtracting(first, of: "GPT entry").adding(1, of: "GPT entry")
    let start = try first.multiplied(by: sectorSize, of: "GPT entry")
    let size = try count.multiplied(by: sectorSize, of: "GPT entry")
    _ = try start.adding(size, of: "GPT entry")
    let name = try entry.utf16(56, count: 72, of: "GPT entry")
    return Partition(
      number: number, start: start, size: size, typeCode: type.text,
      typeName: PartitionTypes.name(ofGUID: type.text),
      label: name.isEmpty ? nil : name,
      uuid: try GUID(parsing: entry, at: 16).text, flags: try entry.le64(48))
  }
}
