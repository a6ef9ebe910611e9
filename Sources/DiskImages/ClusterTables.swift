internal import BlockDevices
internal import Bytes

/// Two levels of tables that lead to the clusters of a disk, as qcow, qcow2 and QED have them: an entry of the first
/// (the root, L1) gives the place of a table of the second (L2), whose entries give the places of clusters.
struct ClusterTables: Sendable {
  let root: EntryTable
  let pages: BlockCache
  let device: any BlockDevice
  /// Bytes, a power of two.
  let clusterSize: UInt64
  /// Entries of a table of the second level, a power of two.
  let entriesPerTable: UInt64
  /// Bytes of an entry of the second level: 8 or 16.
  let entrySize: UInt64

  /// The largest disk: what is computed from places in it cannot overflow. (qemu has 2^63 - 1.)
  static let sizeLimit: UInt64 = 1 << 62
  /// Of clusters that one table leads to, in bytes; no format comes near.
  static let coverageLimit: UInt64 = 1 << 62

  /// Bytes of the disk that one table of the second level leads to.
  /// - Throws: `.corrupt` where that is absurd.
  static func coverage(clusterSize: UInt64, entriesPerTable: UInt64) throws(ReadError) -> UInt64 {
    let coverage = try clusterSize.multiplied(by: entriesPerTable, of: "header")
    guard coverage > 0, coverage <= coverageLimit else { throw .corrupt("header") }
    return coverage
  }

  /// Entries that the root needs for a disk of `size` bytes.
  static func rootCount(for size: UInt64, coverage: UInt64) -> UInt64 {
    size / coverage + (size.isMultiple(of: coverage) ? 0 : 1)
  }

  /// - Parameters:
  ///   - root: with an entry for all of a disk, or less.
  ///   - pages: of `device`.
  /// - Throws: `.corrupt` where clusters and tables are of absurd sizes.
  init(
    root: EntryTable, pages: BlockCache, device: any BlockDevice, clusterSize: UInt64, entriesPerTable: UInt64,
    entrySize: UInt64
  ) throws(ReadError) {
    _ = try Self.coverage(clusterSize: clusterSize, entriesPerTable: entriesPerTable)
    self.root = root
    self.pages = pages
    self.device = device
    self.clusterSize = clusterSize
    self.entriesPerTable = entriesPerTable
    self.entrySize = entrySize
  }

  /// How many bytes of the disk lie in clusters for which `isStored` says so, given a page and the place of an entry in
  /// it; nil where counting takes more than a few MiB of tables, or where they are damaged.
  func storedSize(
    of size: UInt64, table: (UInt64) throws(ReadError) -> UInt64,
    isStored: ([UInt8], Int) throws(ReadError) -> Bool
  ) -> UInt64? {
    var cursor = ClusterCursor(self)
    var stored: UInt64 = 0
    var position: UInt64 = 0
    while position < size {
      guard let place = try? cursor.find(position, table: table), cursor.pagesRead <= 1024 else { return nil }
      let end = min(place.end, size)
      if let entry = place.entry {
        guard let isStored = try? isStored(cursor.page, entry) else { return nil }
        if isStored { stored += end - position }
      }
      position = end
    }
    return stored
  }
}

extension ClusterTables {
  /// Tells where the bytes of `range` lie, cluster by cluster, until the list is full. What no table leads to is the
  /// parent's, as far as that reaches.
  ///
  /// - Parameters:
  ///   - source: index of the parent's disk among the sources; not used where there is no parent.
  ///   - table: as `ClusterCursor.find` has it.
  ///   - append: appends a part of one cluster, given a page of entries, the place of the cluster's in it, and the part.
  func map(
    _ range: Range<UInt64>, into extents: inout ExtentList, parent: DiskImage?, source: Int,
    table: (UInt64) throws(ReadError) -> UInt64,
    append: ([UInt8], Int, Range<UInt64>, inout ExtentList) throws(ReadError) -> Void
  ) throws(ReadError) {
    var cursor = ClusterCursor(self)
    var position = range.lowerBound
    while position < range.upperBound && !extents.isFull {
      let place = try cursor.find(position, table: table)
      let part = position..<min(place.end, range.upperBound)
      if let entry = place.entry {
        try append(cursor.page, entry, part, &extents)
      } else {
        extents.append(absent: part, parent: parent, source: source)
      }
      position = part.upperBound
    }
  }
}

/// Goes from cluster to cluster through `ClusterTables`, and fetches each page of them once.
struct ClusterCursor {
  private let tables: ClusterTables
  private let coverage: UInt64
  /// Entries of the second level, those for `covered`; empty where there is no table for it.
  private(set) var page: [UInt8] = []
  /// Bytes of the disk that the page tells of.
  private var covered: Range<UInt64> = 0..<0
  private(set) var pagesRead = 0

  init(_ tables: ClusterTables) {
    self.tables = tables
    coverage = tables.clusterSize * tables.entriesPerTable
  }

  /// Finds the entry of the cluster at byte `position` of the disk, below `ClusterTables.sizeLimit`.
  ///
  /// - Parameter table: the place in the file of the table that an entry of the root, by its index, leads to; 0 for
  ///   none.
  /// - Returns: where in `page` the entry begins, and where its cluster ends; where there is no table, nil and the end
  ///   of what it would lead to.
  /// - Throws: `.corrupt` where the table does not lie within the file.
  mutating func find(
    _ position: UInt64, table: (UInt64) throws(ReadError) -> UInt64
  ) throws(ReadError) -> (entry: Int?, end: UInt64) {
    if !covered.contains(position) { try load(position, table: table) }
    if page.isEmpty { return (nil, covered.upperBound) }
    let index = (position - covered.lowerBound) / tables.clusterSize
    return (Int(index * tables.entrySize), covered.lowerBound + (index + 1) * tables.clusterSize)
  }

  private mutating func load(_ position: UInt64, table: (UInt64) throws(ReadError) -> UInt64) throws(ReadError) {
    let root = position / coverage
    let start = root * coverage
    page = []
    covered = start..<(start + coverage)
    let offset = try table(root)
    guard offset != 0 else { return }

    let perPage = min(UInt64(EntryTable.pageSize) / tables.entrySize, tables.entriesPerTable)
    let first = (position - start) / tables.clusterSize / perPage * perPage
    let (place, overflow) = offset.addingReportingOverflow(first * tables.entrySize)
    let size = perPage * tables.entrySize
    guard !overflow, tables.device.contains(size, at: place) else { throw .corrupt("table of clusters", at: offset) }
    page = try tables.pages.block(Int(size), at: place)
    pagesRead += 1
    covered = (start + first * tables.clusterSize)..<(start + (first + perPage) * tables.clusterSize)
  }
}
