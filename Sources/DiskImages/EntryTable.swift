internal import BlockDevices
internal import Bytes

/// A table of integers in an image: the first level of its map. Held whole where it is small enough; else read page by
/// page, through a cache.
final class EntryTable: Sendable {
  /// Entries.
  let count: UInt64
  private let entrySize: UInt64
  private let offset: UInt64
  private let resident: [UInt8]?
  private let pages: BlockCache

  static let pageSize = 4096

  /// - Parameters:
  ///   - entrySize: bytes of an entry, a power of two.
  ///   - pages: of `device`; used where the budget does not allow to hold the table whole.
  /// - Throws: `.truncated` where the table does not lie within the device.
  init(
    in device: any BlockDevice, at offset: UInt64, count: UInt64, entrySize: Int, budget: TableBudget,
    pages: BlockCache
  ) throws(ReadError) {
    let size = try count.multiplied(by: UInt64(entrySize), of: "table of clusters")
    guard device.contains(size, at: offset) else { throw .truncated("table of clusters", at: offset) }
    self.count = count
    self.entrySize = UInt64(entrySize)
    self.offset = offset
    self.pages = pages
    resident = budget.take(size) ? try device.bytes(Int(size), at: offset) : nil
  }

  func le32(_ index: UInt64) throws(ReadError) -> UInt32 {
    let (bytes, place) = try self.bytes(of: index)
    return try bytes.rawSpan.le32(place, of: "table of clusters")
  }

  func be32(_ index: UInt64) throws(ReadError) -> UInt32 {
    let (bytes, place) = try self.bytes(of: index)
    return try bytes.rawSpan.be32(place, of: "table of clusters")
  }

  func le64(_ index: UInt64) throws(ReadError) -> UInt64 {
    let (bytes, place) = try self.bytes(of: index)
    return try bytes.rawSpan.le64(place, of: "table of clusters")
  }

  func be64(_ index: UInt64) throws(ReadError) -> UInt64 {
    let (bytes, place) = try self.bytes(of: index)
    return try bytes.rawSpan.be64(place, of: "table of clusters")
  }

  /// The page that holds the entry, for a map that goes through its neighbours too.
  func page(of index: UInt64) throws(ReadError) -> EntryPage {
    let (bytes, place) = try self.bytes(of: index)
    return EntryPage(bytes: bytes, first: index - UInt64(place) / entrySize, entrySize: entrySize)
  }

  /// Bytes that hold the entry, and where in them it begins.
  private func bytes(of index: UInt64) throws(ReadError) -> ([UInt8], Int) {
    guard index < count else { throw .corrupt("table of clusters", at: index) }
    let place = index * entrySize
    if let resident { return (resident, Int(place)) }
    let page = place / UInt64(Self.pageSize) * UInt64(Self.pageSize)
    let length = min(UInt64(Self.pageSize), count * entrySize - page)
    return (try pages.block(Int(length), at: offset + page), Int(place - page))
  }
}

/// A run of a table's entries, in memory.
struct EntryPage {
  private let bytes: [UInt8]
  private let entrySize: UInt64
  /// Indices in the table.
  let entries: Range<UInt64>

  fileprivate init(bytes: [UInt8], first: UInt64, entrySize: UInt64) {
    self.bytes = bytes
    self.entrySize = entrySize
    entries = first..<(first + UInt64(bytes.count) / entrySize)
  }

  func le64(_ index: UInt64) throws(ReadError) -> UInt64 {
    guard entries.contains(index) else { throw .corrupt("table of clusters", at: index) }
    return try bytes.rawSpan.le64(Int((index - entries.lowerBound) * entrySize), of: "table of clusters")
  }
}
