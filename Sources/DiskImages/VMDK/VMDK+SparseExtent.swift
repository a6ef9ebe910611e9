internal import BlockDevices
internal import Bytes
internal import Codecs

/// An extent whose grains lie where grain tables say, and these where the grain directory says.
///
/// Where the directory, a table or an entry cannot be right, its copy is asked, if there is one.
final class SparseExtent: Sendable {
  let layout: SparseLayout
  private let device: any BlockDevice
  private let directory: EntryTable
  private let copy: EntryTable?
  /// Tables that share bytes with another.
  private let overlapping: OverlappingTables
  private let pages: BlockCache

  /// Where the extent stands in the disk.
  struct Place {
    /// Byte offset in the disk.
    let start: UInt64
    /// Index of the extent's device among the disk's sources.
    let source: Int
    /// What the extent does not hold is the parent's; nil where there is none.
    let parent: DiskImage?
    /// Index of the parent's disk among the disk's sources.
    let parentSource: Int
  }

  private enum Grain {
    case absent
    case zeros
    /// The byte offset in the file.
    case stored(UInt64)
  }

  /// - Parameter pages: a cache of the file's device.
  init(_ layout: SparseLayout, in file: ImageFile, pages: BlockCache) throws(ImageError) {
    self.layout = layout
    self.pages = pages
    device = file.device
    directory = try file.table(
      at: layout.directory, count: layout.directoryCount, entrySize: layout.entrySize, pages: pages)
    // A copy that is not there helps nobody, and is missed only where it would be needed.
    copy = layout.copyOfDirectory.flatMap { offset in
      try? file.table(at: offset, count: layout.directoryCount, entrySize: layout.entrySize, pages: pages)
    }
    overlapping = try OverlappingTables(of: directory, copy: copy, layout, deviceSize: file.device.size)
  }

  /// Tells where the bytes of `range`, offsets in the extent, lie.
  func map(_ range: Range<UInt64>, at place: Place, into list: inout ExtentList) throws(ReadError) {
    let perPage = UInt64(EntryTable.pageSize / layout.entrySize)
    var position = range.lowerBound
    while position < range.upperBound && !list.isFull {
      let grain = position / layout.grainSize
      let table = grain / layout.entriesPerTable
      let first = grain % layout.entriesPerTable / perPage * perPage
      guard let page = try entries(from: first, ofTable: table) else {
        let end = min((table + 1) * layout.tableSpan, range.upperBound)
        append(absent: position..<end, at: place, to: &list)
        position = end
        continue
      }
      let firstGrain = table * layout.entriesPerTable + first
      let pageEnd = min((firstGrain + UInt64(page.count / layout.entrySize)) * layout.grainSize, range.upperBound)
      let span = page.rawSpan
      while position < pageEnd && !list.isFull {
        let grain = position / layout.grainSize
        let start = grain * layout.grainSize
        let length = min(start + layout.grainSize, pageEnd) - position
        let entry = Int(grain - firstGrain)
        switch try self.grain(entry, of: span, from: first, ofTable: table) {
        case .absent:
          append(absent: position..<(position + length), at: place, to: &list)
          position += length
        case .zeros:
          list.append(.unwritten, length: length)
          position += length
        case .stored(let offset):
          let skipped = position - start
          if layout.compression != nil {
            let unit = EncodedUnit((place.start + start) / VMDK.sectorSize, size: unitSize(start))
            list.append(.encoded(unit, skip: Int(skipped)), length: length)
          } else {
            guard device.contains(skipped + length, at: offset) else { throw .truncated("grain", at: offset) }
            list.append(.mapped(source: place.source, offset: offset + skipped), length: length)
          }
          position += length
        }
      }
    }
  }

  /// - Parameter range: offsets in the extent.
  private func append(absent range: Range<UInt64>, at place: Place, to list: inout ExtentList) {
    // No overflow: where the extent ends was checked when the disk was put together.
    list.append(
      absent: (place.start + range.lowerBound)..<(place.start + range.upperBound), parent: place.parent,
      source: place.parentSource)
  }

  /// Bytes that the compressed grain at `start` decodes to: of the last one, those that the extent has of it.
  private func unitSize(_ start: UInt64) -> Int { Int(min(layout.grainSize, layout.size - start)) }
}

/// Entries.
extension SparseExtent {
  /// Up to a page of entries of a grain table; nil where there is no such table.
  /// - Parameter first: the first of them, the first of a page.
  private func entries(from first: UInt64, ofTable table: UInt64) throws(ReadError) -> [UInt8]? {
    do throws(ReadError) {
      return try entries(from: first, ofTable: table, in: directory)
    } catch {
      guard let copy else { throw error }
      do throws(ReadError) { return try entries(from: first, ofTable: table, in: copy) } catch _ { throw error }
    }
  }

  private func entries(
    from first: UInt64, ofTable table: UInt64, in directory: EntryTable
  ) throws(ReadError) -> [UInt8]? {
    guard let offset = try layout.table(table, of: directory) else { return nil }
    if overlapping.contains(table, isCopy: directory === copy) { throw .corrupt("grain directory", at: table) }
    let start = try offset.adding(first * UInt64(layout.entrySize), of: "grain table")
    let count = min(UInt64(EntryTable.pageSize), layout.tableSize - first * UInt64(layout.entrySize))
    guard device.contains(count, at: start) else { throw .truncated("grain table", at: start) }
    guard isClear(start, count) else { throw .corrupt("grain directory", at: table) }
    return try pages.block(Int(count), at: start)
  }

  /// What the entry `index` of a page says.
  private func grain(
    _ index: Int, of page: RawSpan, from first: UInt64, ofTable table: UInt64
  ) throws(ReadError) -> Grain {
    do throws(ReadError) {
      return try grain(index, of: page)
    } catch {
      guard let copy else { throw error }
      do throws(ReadError) {
        guard let other = try entries(from: first, ofTable: table, in: copy) else { throw error }
        return try grain(index, of: other.rawSpan)
      } catch _ { throw error }
    }
  }

  private func grain(_ index: Int, of page: RawSpan) throws(ReadError) -> Grain {
    let offset: UInt64
    switch layout.entries {
    case .sectors(let hasZeroGrains):
      let sector = try page.le32(index * 4, of: "grain table")
      if sector == 0 { return .absent }
      if sector == 1 && hasZeroGrains { return .zeros }
      offset = UInt64(sector) * VMDK.sectorSize
    case .numbers(_, let grains):
      let entry = try page.le64(index * 8, of: "grain table")
      switch entry >> 60 {
      case 0 where entry == 0: return .absent
      // Given back by the guest, and written as zeros.
      case 1, 2: return .zeros
      case 3:
        // The lower 12 bits of the grain's number stand above the other 48.
        let number = (entry & 0x0FFF_0000_0000_0000) >> 48 | (entry & 0x0000_FFFF_FFFF_FFFF) << 12
        offset = try grains.adding(try number.multiplied(by: layout.grainSize, of: "grain table"), of: "grain table")
      default: throw .corrupt("grain table", at: entry)
      }
    }
    guard offset < device.size else { throw .truncated("grain", at: offset) }
    guard isClear(offset, layout.compression == nil ? layout.grainSize : 1) else {
      throw .corrupt("grain table", at: offset)
    }
    return .stored(offset)
  }

  /// Whether the `count` bytes at `offset` are neither header, nor descriptor, nor directory.
  private func isClear(_ offset: UInt64, _ count: UInt64) -> Bool {
    let (end, overflow) = offset.addingReportingOverflow(count)
    if overflow { return false }
    for range in layout.metadata where offset < range.upperBound && range.lowerBound < end { return false }
    return true
  }
}

/// Compressed grains.
extension SparseExtent {
  /// Appends the `size` bytes of the grain at `start` of the extent.
  func decode(grainAt start: UInt64, size: Int, into out: inout OutputRawSpan) throws(ReadError) {
    let grain = start / layout.grainSize
    guard let compression = layout.compression, start % layout.grainSize == 0, start < layout.size,
      size == unitSize(start), case .stored(let offset) = try self.grain(grain)
    else { throw .corrupt("compressed grain", at: start) }
    let data = try compressedData(of: start, at: offset, compression)
    let grainSize = Int(layout.grainSize)
    if size == grainSize {
      try Codec.zlib.decode(data.rawSpan, count: size, of: "compressed grain", into: &out)
      return
    }
    // Some writers compress the last grain as far as the disk goes, others fill it up.
    let whole: [UInt8]? = try? .filled(grainSize) { (room) throws(ReadError) in
      try Codec.zlib.decode(data.rawSpan, count: grainSize, of: "compressed grain", into: &room)
    }
    if let whole {
      out.append(contentsOf: try whole.rawSpan.slice(0, count: size, of: "compressed grain"))
    } else {
      try Codec.zlib.decode(data.rawSpan, count: size, of: "compressed grain", into: &out)
    }
  }

  private func grain(_ grain: UInt64) throws(ReadError) -> Grain {
    let perPage = UInt64(EntryTable.pageSize / layout.entrySize)
    let table = grain / layout.entriesPerTable
    let index = grain % layout.entriesPerTable
    let first = index / perPage * perPage
    guard let page = try entries(from: first, ofTable: table) else { return .absent }
    return try self.grain(Int(index - first), of: page.rawSpan, from: first, ofTable: table)
  }

  /// The data of the grain at `start` of the extent, which lie at `offset` of the file, behind their marker:
  ///
  ///      0  u64  the grain's first sector
  ///      8  u32  bytes of the data that follow
  private func compressedData(
    of start: UInt64, at offset: UInt64, _ compression: SparseLayout.Compression
  ) throws(ReadError) -> [UInt8] {
    // What does not shrink grows a little; twice as much is more than deflate ever makes.
    let limit = layout.grainSize * 2
    guard compression.hasMarkers else {
      return try device.bytes(Int(min(limit, device.size - offset)), at: offset)
    }
    guard device.contains(12, at: offset) else { throw .truncated("compressed grain", at: offset) }
    let marker = try device.bytes(12, at: offset)
    let sector = try marker.rawSpan.le64(0, of: "marker of a compressed grain")
    let count = UInt64(try marker.rawSpan.le32(8, of: "marker of a compressed grain"))
    guard sector == start / VMDK.sectorSize, (1...limit).contains(count) else {
      throw .corrupt("marker of a compressed grain", at: offset)
    }
    guard device.contains(count, at: offset + 12) else { throw .truncated("compressed grain", at: offset) }
    return try device.bytes(Int(count), at: offset + 12)
  }
}

/// Looking after.
extension SparseExtent {
  /// What is wrong with the directory, though the extent could be opened, as a sentence's predicate; nil where nothing
  /// is found. Looks at so many entries only.
  var damage: String? {
    if layout.usesCopy { return "has lost its grain directory, and is read by the copy of it" }
    guard copy != nil else {
      return overlapping.isEmpty ? nil : "has grain tables that overlap each other: what they lead to is not read"
    }
    let isDamaged =
      !overlapping.isEmpty
      || (0..<min(layout.directoryCount, 4096)).contains { number in
        guard let start = try? layout.table(number, of: directory) else { return false }
        return !device.contains(layout.tableSize, at: start) || !isClear(start, layout.tableSize)
      }
    return isDamaged ? "has a damaged grain directory; its copy is used where it can be" : nil
  }
}

/// Counting.
extension SparseExtent {
  /// How many bytes of the disk have a grain that holds data; nil where more than `budget` bytes would have to be read
  /// to know, or what is read is damaged. Takes from the budget what it reads.
  func allocatedSize(budget: inout UInt64) -> UInt64? {
    guard layout.directoryCount <= 1 << 18 else { return nil }
    var total: UInt64 = 0
    for table in 0..<layout.directoryCount {
      var first: UInt64 = 0
      while first < layout.entriesPerTable {
        guard let found = try? entries(from: first, ofTable: table) else {
          // Damaged, or no table at all: of that, no page is there.
          guard let present = try? hasTable(table), !present else { return nil }
          break
        }
        guard budget >= UInt64(found.count) else { return nil }
        budget -= UInt64(found.count)
        let count = found.count / layout.entrySize
        let span = found.rawSpan
        for index in 0..<count {
          let start = (table * layout.entriesPerTable + first + UInt64(index)) * layout.grainSize
          guard start < layout.size else { break }
          guard let kind = try? grain(index, of: span, from: first, ofTable: table) else { return nil }
          if case .stored = kind { total += min(layout.grainSize, layout.size - start) }
        }
        first += UInt64(count)
      }
    }
    return total
  }

  private func hasTable(_ table: UInt64) throws(ReadError) -> Bool {
    try entries(from: 0, ofTable: table) != nil
  }
}
