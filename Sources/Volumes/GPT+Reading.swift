internal import BlockDevices
internal import Bytes

/// What is left of a disk's GPT.
enum GPT {
  /// A table that can be used, perhaps with notices.
  case table(PartitionTable)
  /// Signs of a GPT, but neither copy can be used: why.
  case destroyed(notices: [String])

  /// The logical sector size that a GPT on `disk` counts in: the first of `candidates` for which a sound header is
  /// where it should be, or failing that a damaged one. nil where there is no sign of a GPT.
  static func sectorSize(on disk: any BlockDevice, candidates: [Int], protectiveSectors: UInt64?) -> Int? {
    var damaged: Int?
    for size in candidates {
      switch signs(of: disk, at: 1, sectorSize: size) {
      case .sound: return size
      case .damaged: damaged = damaged ?? size
      case .none: break
      }
    }
    for size in candidates {
      for lba in backupPlaces(on: disk, sectorSize: size, protectiveSectors: protectiveSectors) {
        switch signs(of: disk, at: lba, sectorSize: size) {
        case .sound: return size
        case .damaged: damaged = damaged ?? size
        case .none: break
        }
      }
    }
    return damaged
  }

  private enum Signs { case sound, damaged, none }

  private static func signs(of disk: any BlockDevice, at lba: UInt64, sectorSize: Int) -> Signs {
    let (offset, overflow) = lba.multipliedReportingOverflow(by: UInt64(sectorSize))
    guard !overflow, disk.contains(UInt64(sectorSize), at: offset), let sector = try? disk.bytes(sectorSize, at: offset)
    else { return .none }
    guard sector.starts(with: GPTHeader.signature) else { return .none }
    return (try? GPTHeader(parsing: sector.rawSpan, at: lba)) == nil ? .damaged : .sound
  }

  /// Where a backup header may be when no primary one says: in the last sector, or where the protective MBR says that
  /// the disk ends (an image that was made longer).
  private static func backupPlaces(
    on disk: any BlockDevice, sectorSize: Int, protectiveSectors: UInt64?
  ) -> [UInt64] {
    let count = disk.size / UInt64(sectorSize)
    guard count > 2 else { return [] }
    var places = [count - 1]
    if let protectiveSectors, protectiveSectors > 2, protectiveSectors < count { places.append(protectiveSectors - 1) }
    return places
  }

  /// Reads both copies. nil where there is no sign of either.
  /// - Parameter protectiveSectors: sectors of the disk as its protective MBR has it.
  static func read(_ disk: any BlockDevice, sectorSize: Int, protectiveSectors: UInt64?) -> GPT? {
    let primary = attempt(disk, at: 1, sectorSize: sectorSize)
    let end = disk.size / UInt64(sectorSize)
    var backup = Attempt.absent
    var backupLBA: UInt64?
    if case .found(let copy) = primary {
      backupLBA = copy.header.alternateLBA
      backup = attempt(disk, at: copy.header.alternateLBA, sectorSize: sectorSize)
    } else {
      for lba in backupPlaces(on: disk, sectorSize: sectorSize, protectiveSectors: protectiveSectors) {
        backup = attempt(disk, at: lba, sectorSize: sectorSize)
        backupLBA = lba
        if case .absent = backup { continue }
        break
      }
    }

    switch (primary, backup) {
    case (.absent, .absent): return nil
    case (.found(let copy), _) where copy.isIntact:
      return .table(
        table(copy, disk, sectorSize, notices(onBackup: backup, of: copy, at: backupLBA, end: end, sectorSize)))
    case (_, .found(let copy)) where copy.isIntact:
      let what: String =
        switch primary {
        case .absent: "the primary GPT is missing"
        case .damaged(let error): "the primary GPT is damaged (\(error.plain))"
        case .found: "the primary GPT's entries are damaged"
        }
      return .table(table(copy, disk, sectorSize, ["\(what): using the backup at the end of the disk"]))
    case (.found(let copy), _):
      let missing = copy.header.entriesSize - copy.entries.count
      var said: [String] = []
      if missing > 0 {
        said.append(
          "the image ends inside the GPT's entries: \(copy.entries.count / copy.header.entrySize) of "
            + "\(copy.header.entryCount) can be read")
      } else {
        said.append("the GPT's entries do not match their checksum: what they say may be wrong")
      }
      said += notices(onBackup: backup, of: copy, at: backupLBA, end: end, sectorSize)
      return .table(table(copy, disk, sectorSize, said))
    case (_, .found(let copy)):
      return .table(
        table(
          copy, disk, sectorSize,
          [
            "the primary GPT is missing or damaged, and the backup's entries do not match their checksum: "
              + "what they say may be wrong"
          ]))
    case (.damaged(let error), .absent):
      return .destroyed(notices: [
        "the primary GPT is damaged (\(error.plain)), and there is no backup at the end of the disk"
      ])
    case (.absent, .damaged(let error)):
      return .destroyed(notices: ["the primary GPT is missing, and the backup is damaged (\(error.plain))"])
    case (.damaged(let error), .damaged(let other)):
      return .destroyed(notices: ["both copies of the GPT are damaged (\(error.plain); backup: \(other.plain))"])
    }
  }

  private enum Attempt {
    case absent
    case damaged(ReadError)
    case found(GPTCopy)
  }

  private static func attempt(_ disk: any BlockDevice, at lba: UInt64, sectorSize: Int) -> Attempt {
    do {
      guard let copy = try GPTCopy(of: disk, at: lba, sectorSize: sectorSize) else { return .absent }
      return .found(copy)
    } catch {
      return .damaged(error)
    }
  }

  /// What is wrong with the backup of a primary that can be used.
  private static func notices(
    onBackup backup: Attempt, of primary: GPTCopy, at lba: UInt64?, end: UInt64, _ sectorSize: Int
  ) -> [String] {
    switch backup {
    case .found(let copy):
      if !copy.isIntact { return ["the backup GPT's entries are damaged"] }
      if !copy.header.agrees(with: primary.header) { return ["the backup GPT differs from the primary one"] }
      if let lba, lba < end - 1 {
        return ["the backup GPT is not at the end: the disk was made longer after it was partitioned"]
      }
      return []
    case .damaged(let error): return ["the backup GPT is damaged (\(error.plain))"]
    case .absent:
      guard let lba, lba >= end else { return ["the backup GPT is missing"] }
      let (sectors, overflow) = (lba - end).addingReportingOverflow(1)
      let (bytes, tooMany) = sectors.multipliedReportingOverflow(by: UInt64(sectorSize))
      guard !overflow, !tooMany else { return ["the GPT places its backup past any possible end"] }
      return ["the image is cut short: it ends \(bytes) bytes before the end of the disk that the GPT describes"]
    }
  }

  private static func table(
    _ copy: GPTCopy, _ disk: any BlockDevice, _ sectorSize: Int, _ notices: [String]
  ) -> PartitionTable {
    let (partitions, more) = copy.partitions(sectorSize: sectorSize)
    // In sectors first: they may be too many to count in bytes.
    let end = disk.size / UInt64(sectorSize)
    let first = min(copy.header.firstUsableLBA, end) * UInt64(sectorSize)
    let last = min(copy.header.lastUsableLBA + 1, end) * UInt64(sectorSize)
    return PartitionTable(
      type: "gpt", uuid: copy.header.disk.text, sectorSize: sectorSize, usable: first..<max(first, last),
      partitions: partitions, notices: notices + more)
  }
}

extension ReadError {
  /// Its text without the place, which says little of a table that is where it must be.
  fileprivate var plain: String { ReadError(cause, subject).description }
}
