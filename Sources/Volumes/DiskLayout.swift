public import BlockDevices
public import Bytes

/// What a whole disk holds, one level down: a partition table, signatures, or both (a hybrid ISO image).
public struct DiskLayout: Sendable {
  public var table: PartitionTable?
  /// What libblkid finds on the disk as a whole.
  public var contents: Identification
  /// What is wrong with the disk, one clear line each; what is wrong with its table is with the table.
  public var notices: [String]

  /// Partitions that are told of at most: as many as the kernel makes devices of.
  public static let partitionLimit = 256

  /// Reads the table, by libblkid, and by readers of our own where it gives up.
  ///
  /// - Parameters:
  ///   - sectorSize: bytes of a logical sector, a power of two from 512 to 65536; nil to find out.
  ///   - nativeSectorSize: bytes of the sector of the host's device: what is tried first, and used for a table that
  ///     does not tell.
  /// - Throws: where the disk's first sectors cannot be read.
  public init(of disk: any BlockDevice, sectorSize: Int?, nativeSectorSize: Int) throws(ReadError) {
    precondition(
      sectorSize.map { (512...65536).contains($0) && $0.nonzeroBitCount == 1 } ?? true, "not a size of sectors")
    contents = Identification(of: disk)
    notices = []
    table = nil

    let first = try disk.bytes(Int(min(512, disk.size)), at: 0)
    let mbr = MBR.isFilesystemBootSector(first.rawSpan) ? nil : try? MBRSector(parsing: first.rawSpan)
    let candidates =
      sectorSize.map { [$0] } ?? [nativeSectorSize] + [512, 4096, 2048, 1024].filter { $0 != nativeSectorSize }
    let protective = mbr?.protectiveSectors
    let gptSectorSize = GPT.sectorSize(on: disk, candidates: candidates, protectiveSectors: protective)
    let found = BlkidProbe(disk, sectorSize: gptSectorSize ?? sectorSize ?? nativeSectorSize)?.table()
    let gpt = gptSectorSize.flatMap { GPT.read(disk, sectorSize: $0, protectiveSectors: protective) }

    if let gpt, let gptSectorSize {
      takeGPT(gpt, sectorSize: gptSectorSize, mbr: mbr, found: found)
      if gptSectorSize != nativeSectorSize && table?.type == "gpt" && nativeSectorSize != 512 {
        table?.notices.append(
          "the GPT counts in sectors of \(gptSectorSize) bytes, the device has \(nativeSectorSize)")
      }
    } else if protective != nil {
      table = PartitionTable(
        type: "PMBR", sectorSize: sectorSize ?? nativeSectorSize, usable: 0..<0, partitions: [],
        notices: ["the protective MBR tells of a GPT, but neither copy of it is there"])
    }
    if table == nil, let found, found.type != "PMBR", found.type != "gpt" {
      takeOther(found, mbr: mbr, disk: disk, sectorSize: sectorSize ?? nativeSectorSize)
    }
    if table == nil, contents.candidates.isEmpty { table = BSDLabel.read(disk) }
    checkPartitions()
  }

  /// A GPT counts where the MBR protects it, and also without that where there is nothing else.
  private mutating func takeGPT(_ gpt: GPT, sectorSize: Int, mbr: MBRSector?, found: BlkidProbe.Table?) {
    let isProtected = mbr?.protectiveSectors != nil
    if !isProtected {
      if mbr?.hasPartitions == true, found != nil {
        notices.append("there is a GPT as well, but the MBR does not protect it: the MBR's partitions count")
        return
      }
      if contents.signature != nil {
        notices.append("what is left of a GPT is ignored, since \(contents.typeList) fills the whole disk")
        return
      }
    }
    switch gpt {
    case .table(var own):
      // Not libblkid's list: it has no partitions that lie outside of the disk.
      if !isProtected { own.notices.append("there is no protective MBR in front of the GPT") }
      if let mbr, isProtected {
        let others = mbr.entries.count { $0.isUsed && $0.type != 0xEE }
        if others > 0 {
          own.notices.append("hybrid: the MBR lists \(others == 1 ? "a partition" : "\(others) partitions") of its own")
        }
      }
      table = own
    case .destroyed(let said):
      if isProtected || found == nil {
        table = PartitionTable(type: "PMBR", sectorSize: sectorSize, usable: 0..<0, partitions: [], notices: said)
      }
    }
  }

  private mutating func takeOther(
    _ found: BlkidProbe.Table, mbr: MBRSector?, disk: any BlockDevice, sectorSize: Int
  ) {
    var taken = PartitionTable(
      type: found.type, uuid: found.uuid, sectorSize: sectorSize, usable: 0..<disk.size, partitions: found.partitions)
    if found.type == "dos", let mbr {
      let own = MBR.read(disk, first: mbr, sectorSize: sectorSize)
      taken.usable = own.usable
      taken.notices = own.notices
      // libblkid sees only the ends of a disk that is not a host file, and of a long chain only the start. What labels
      // inside of partitions list is left out of the comparison: only libblkid reads those.
      let outer = found.partitions.count { partition in
        partition.parent == nil || found.partitions.contains { $0.number == partition.parent && $0.isContainer }
      }
      if outer < own.partitions.count { taken.partitions = own.partitions }
    }
    table = taken
  }

  /// Puts the partitions in order, bounds their number, and says which overlap.
  private mutating func checkPartitions() {
    guard var checked = table else { return }
    checked.partitions.sort { $0.number < $1.number }
    if checked.partitions.count > Self.partitionLimit {
      checked.notices.append(
        "\(checked.partitions.count) partitions: those after the first \(Self.partitionLimit) are left out")
      checked.partitions.removeLast(checked.partitions.count - Self.partitionLimit)
    }
    var reached: (number: Int, end: UInt64)?
    // In a hybrid ISO image the filesystem and the partitions cover each other on purpose.
    let isHybrid = contents.signature?.usage == .filesystem
    for partition in checked.partitions.sorted(by: { ($0.start, $0.number) < ($1.start, $1.number) })
    where !isHybrid && partition.size > 0 && !partition.isContainer && checked.holdsContents(partition) {
      let end = partition.start + partition.size
      if let reached, partition.start < reached.end {
        checked.notices.append("partitions \(reached.number) and \(partition.number) overlap")
      }
      if end > reached?.end ?? 0 { reached = (partition.number, end) }
    }
    table = checked
  }
}

extension PartitionTable {
  /// Whether a partition is not just the frame of others: those of labels inside it, or an Apple map and a BSD or Sun
  /// label that list the whole disk, too.
  fileprivate func holdsContents(_ partition: Partition) -> Bool {
    if partitions.contains(where: { $0.parent == partition.number }) { return false }
    switch type {
    case "bsd", "sun", "sgi", "ultrix", "unixware", "solaris":
      return !partitions.contains {
        $0.number != partition.number && $0.start >= partition.start && $0.size < partition.size
          && $0.start + $0.size <= partition.start + partition.size
      }
    default: return true
    }
  }
}

/// What libblkid says of a device.
public struct Identification: Sendable {
  /// nil where it knows nothing there, or cannot decide.
  public var signature: Signature?
  /// More than one where it cannot decide.
  public var candidates: [Signature]

  public init(of device: any BlockDevice) {
    candidates = BlkidProbe(device)?.signatures() ?? []
    signature = candidates.count == 1 ? candidates[0] : nil
  }

  /// The candidates' types, for a message.
  public var typeList: String { candidates.map(\.type).joined(separator: ", ") }
}
