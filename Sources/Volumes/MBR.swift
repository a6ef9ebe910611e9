internal import BlockDevices
internal import Bytes

// Master boot record, as PCs and most small boards have it.
//
//     440  disk identifier, 4 bytes
//     446  four entries of 16 bytes: flag (0x80 = active), CHS, type, CHS, first sector, number of sectors
//     510  55 AA
//
// An extended partition (type 0x05, 0x0F or 0x85) begins with a sector of the same shape (EBR). Its entries are
// logical partitions, counted from that EBR, and one link to the next EBR, counted from the start of the extended
// partition. Numbers: 1–4 for the four entries, logical ones from 5 in the order of the chain.

/// One sector with entries: the MBR, or an EBR.
struct MBRSector {
  struct Entry {
    let flag: UInt8
    let type: UInt8
    /// In sectors, from where the table counts.
    let start: UInt32
    let count: UInt32

    var isUsed: Bool { type != 0 && count != 0 }
    var isExtended: Bool { type == 0x05 || type == 0x0F || type == 0x85 }
  }

  let identifier: UInt32
  let entries: [Entry]

  /// - Throws: `.corrupt` where the bytes are not such a sector.
  init(parsing sector: RawSpan) throws(ReadError) {
    guard try sector.le16(510, of: "MBR") == 0xAA55 else { throw .corrupt("signature of the MBR") }
    identifier = try sector.le32(440)
    var entries: [Entry] = []
    for place in stride(from: 446, to: 510, by: 16) {
      let flag = try sector.u8(place)
      guard flag == 0 || flag == 0x80 else { throw .corrupt("entry of the MBR", at: UInt64(place)) }
      entries.append(
        Entry(
          flag: flag, type: try sector.u8(place + 4), start: try sector.le32(place + 8),
          count: try sector.le32(place + 12)))
    }
    self.entries = entries
  }

  /// Sectors of the whole disk by the word of the entry that protects a GPT; nil where there is none. The most that
  /// 32 bits can say means "more".
  var protectiveSectors: UInt64? {
    guard let entry = entries.first(where: { $0.type == 0xEE }) else { return nil }
    return UInt64(entry.start) + UInt64(entry.count)
  }

  /// Whether it divides the disk itself, rather than leave that to a GPT.
  var hasPartitions: Bool { entries.contains { $0.isUsed } }
}

enum MBR {
  /// Links of a chain of logical partitions that are followed at most.
  static let chainLimit = 256

  /// Whether a first sector belongs to a filesystem that has "55 AA" at its end too (FAT, NTFS, exFAT), and boot code
  /// or parameters where an MBR has its entries.
  static func isFilesystemBootSector(_ sector: RawSpan) -> Bool {
    for (offset, name) in [(3, "NTFS    "), (3, "EXFAT   "), (54, "FAT"), (82, "FAT32")] {
      guard let part = try? sector.slice(offset, count: name.utf8.count) else { continue }
      if part.equals(Array(name.utf8).rawSpan) { return true }
    }
    return false
  }

  /// The table with its logical partitions. Entries that say nonsense are told of, and left out.
  static func read(_ disk: any BlockDevice, first sector: MBRSector, sectorSize: Int) -> PartitionTable {
    var partitions: [Partition] = []
    var notices: [String] = []
    let unit = UInt64(sectorSize)
    func add(_ entry: MBRSector.Entry, number: Int, base: UInt64, parent: Int?) {
      let (start, overflow) = (base + UInt64(entry.start)).multipliedReportingOverflow(by: unit)
      guard !overflow else { return }
      partitions.append(
        Partition(
          number: number, start: start, size: UInt64(entry.count) * unit,
          typeCode: "0x" + String(entry.type, radix: 16), typeName: PartitionTypes.name(ofMBRCode: entry.type),
          uuid: uuid(sector.identifier, number), flags: UInt64(entry.flag), isContainer: entry.isExtended,
          parent: parent))
    }
    var number = 5
    for (index, entry) in sector.entries.enumerated() where entry.isUsed {
      add(entry, number: index + 1, base: 0, parent: nil)
    }
    for (index, entry) in sector.entries.enumerated() where entry.isUsed && entry.isExtended {
      let chain = Chain(disk, from: UInt64(entry.start), count: UInt64(entry.count), sectorSize: sectorSize)
      for (base, logical) in chain.partitions {
        add(logical, number: number, base: base, parent: index + 1)
        number += 1
      }
      notices += chain.notices
    }
    return PartitionTable(
      type: "dos", uuid: sector.identifier == 0 ? nil : hexadecimal(UInt64(sector.identifier), digits: 8),
      sectorSize: sectorSize, usable: min(unit, disk.size)..<disk.size, partitions: partitions, notices: notices)
  }

  /// As under /dev/disk/by-partuuid; nil for a disk without an identifier.
  private static func uuid(_ identifier: UInt32, _ number: Int) -> String? {
    identifier == 0
      ? nil : hexadecimal(UInt64(identifier), digits: 8) + "-" + hexadecimal(UInt64(number), digits: 2)
  }

  /// The logical partitions of an extended one.
  private struct Chain {
    /// With the sector from which each counts.
    private(set) var partitions: [(base: UInt64, entry: MBRSector.Entry)] = []
    private(set) var notices: [String] = []

    init(_ disk: any BlockDevice, from start: UInt64, count: UInt64, sectorSize: Int) {
      var place = start
      var seen: Set<UInt64> = []
      while true {
        guard seen.insert(place).inserted else {
          notices.append("the chain of logical partitions is a loop: it leads back to sector \(place)")
          return
        }
        guard seen.count <= MBR.chainLimit else {
          notices.append("more than \(MBR.chainLimit) logical partitions: the rest is left out")
          return
        }
        let (offset, overflow) = place.multipliedReportingOverflow(by: UInt64(sectorSize))
        guard !overflow, disk.contains(512, at: offset) else {
          notices.append("the chain of logical partitions leads past the end, to sector \(place)")
          return
        }
        let sector: MBRSector
        do {
          let bytes = try disk.bytes(512, at: offset)
          sector = try MBRSector(parsing: bytes.rawSpan)
        } catch {
          notices.append("the chain of logical partitions is damaged at sector \(place) (\(error))")
          return
        }
        for (index, entry) in sector.entries.enumerated() where entry.isUsed && !entry.isExtended {
          // The first two entries are what the chain consists of. Old tools left rubbish in the other two: it counts
          // only where it lies within the extended partition.
          let end = place - start + UInt64(entry.start) + UInt64(entry.count)
          if index >= 2, end > count { continue }
          partitions.append((place, entry))
        }
        guard let next = sector.entries.first(where: { $0.isUsed && $0.isExtended }) else { return }
        place = start + UInt64(next.start)
      }
    }
  }
}
