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

/// Grain tables that share bytes with others, as the directory and its copy have them: one of them cannot be right.
struct OverlappingTables: Sendable {
  /// By their numbers.
  private var originals: Set<UInt64> = []
  private var copies: Set<UInt64> = []

  /// Tables at most that are looked at: those of a disk of 2 TiB with grains of 64 KiB. More would take longer than
  /// opening may.
  private static let limit: UInt64 = 65536

  /// Tables at most that are kept apart from the rest; an extent with more is not opened.
  private static let foundLimit = 4096

  var isEmpty: Bool { originals.isEmpty && copies.isEmpty }

  func contains(_ table: UInt64, isCopy: Bool) -> Bool { (isCopy ? copies : originals).contains(table) }

  private struct Table {
    let offset: UInt64
    let number: UInt64
    let isCopy: Bool
  }

  /// - Parameter deviceSize: bytes of the extent's file.
  /// - Throws: `.damaged` where nearly nothing is right.
  init(
    of directory: EntryTable, copy: EntryTable?, _ layout: SparseLayout, deviceSize: UInt64
  ) throws(ImageError) {
    guard directory.count <= Self.limit else { return }
    find(in: directory, copy, layout, deviceSize)
    guard originals.count <= Self.foundLimit, copies.count <= Self.foundLimit else {
      throw .damaged("has \(max(originals.count, copies.count)) grain tables that overlap each other")
    }
  }

  private mutating func find(
    in directory: EntryTable, _ copy: EntryTable?, _ layout: SparseLayout, _ deviceSize: UInt64
  ) {
    var (tables, isSound) = Self.tables(of: directory, isCopy: false, layout, deviceSize)
    for (one, next) in Self.overlaps(tables, layout) { originals.formUnion([one.number, next.number]) }
    guard let copy else { return }
    // A copy of the directory need not have tables of its own.
    let offsets = Dictionary(uniqueKeysWithValues: tables.map { ($0.number, $0.offset) })
    let (others, copyIsSound) = Self.tables(of: copy, isCopy: true, layout, deviceSize)
    for (one, next) in Self.overlaps(others, layout) { copies.formUnion([one.number, next.number]) }
    isSound = isSound && originals.isEmpty
    let isOtherSound = copyIsSound && copies.isEmpty
    tables += others.filter { offsets[$0.number] != $0.offset }
    for (one, next) in Self.overlaps(tables, layout) where one.isCopy != next.isCopy {
      let (original, other) = one.isCopy ? (next, one) : (one, next)
      // Where one of both is damaged elsewhere, too, it is the one; else nothing tells which it is.
      if !isSound || isOtherSound == isSound { originals.insert(original.number) }
      if isSound || isOtherSound == isSound { copies.insert(other.number) }
    }
  }

  /// The tables that lie within the file, and whether all do.
  private static func tables(
    of directory: EntryTable, isCopy: Bool, _ layout: SparseLayout, _ deviceSize: UInt64
  ) -> ([Table], isSound: Bool) {
    var tables: [Table] = []
    var isSound = true
    for number in 0..<directory.count {
      do throws(ReadError) {
        guard let offset = try layout.table(number, of: directory) else { continue }
        guard offset < deviceSize, layout.tableSize <= deviceSize - offset else { throw .truncated("grain table") }
        tables.append(Table(offset: offset, number: number, isCopy: isCopy))
      } catch {
        isSound = false
      }
    }
    return (tables, isSound)
  }

  private static func overlaps(_ tables: [Table], _ layout: SparseLayout) -> [(Table, Table)] {
    let sorted = tables.sorted { $0.offset < $1.offset }
    return zip(sorted, sorted.dropFirst()).filter { one, next in next.offset - one.offset < layout.tableSize }
  }
}
