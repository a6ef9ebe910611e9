internal import Bytes

extension SparseLayout {
  /// The byte offset of the grain table `table`; nil where there is none.
  func table(_ table: UInt64, of directory: EntryTable) throws(ReadError) -> UInt64? {
    switch entries {
    case .sectors:
      let sector = try directory.le32(table)
      return sector == 0 ? nil : UInt64(sector) * VMDK.sectorSize
    case .numbers(let tables, _):
      let entry = try directory.le64(table)
      if entry == 0 { return nil }
      // The uppermost digit says that the table is there; of the rest, no disk is large enough for more than 32 bits.
      guard entry >> 32 == 0x1000_0000 else { throw .corrupt("grain directory", at: table) }
      return try tables.adding((entry & 0xFFFF_FFFF) * tableSize, of: "grain directory")
    }
  }
}

/// Grain tables that share bytes with others: one of them cannot be right, and nothing tells which.
struct OverlappingTables: Sendable {
  /// By their numbers.
  private var originals: Set<UInt64> = []
  private var copies: Set<UInt64> = []

  /// Tables at most that are looked at: those of a disk of 2 TiB with grains of 64 KiB. More would take longer than
  /// opening may.
  private static let limit: UInt64 = 65536

  var isEmpty: Bool { originals.isEmpty && copies.isEmpty }

  func contains(_ table: UInt64, isCopy: Bool) -> Bool { (isCopy ? copies : originals).contains(table) }

  init(of directory: EntryTable, copy: EntryTable?, _ layout: SparseLayout) {
    guard directory.count <= Self.limit else { return }
    var tables: [(offset: UInt64, number: UInt64, isCopy: Bool)] = []
    for number in 0..<directory.count {
      let original = (try? layout.table(number, of: directory)) ?? nil
      if let original { tables.append((original, number, false)) }
      // A copy of the directory need not have tables of its own.
      if let copy, let offset = (try? layout.table(number, of: copy)) ?? nil, offset != original {
        tables.append((offset, number, true))
      }
    }
    tables.sort { $0.offset < $1.offset }
    for (one, next) in zip(tables, tables.dropFirst()) where next.offset - one.offset < layout.tableSize {
      for table in [one, next] {
        if table.isCopy { copies.insert(table.number) } else { originals.insert(table.number) }
      }
    }
  }
}
