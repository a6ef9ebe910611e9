internal import BlockDevices
internal import Bytes
internal import SystemPackage

/// VHDX, the format of Hyper-V's virtual disks since Windows Server 2012.
///
///     0        64K       128K      192K       256K       1M
///     | file   | header  | header  | region   | region   | log, metadata, block allocation table and blocks, each on |
///     | type   | 1       | 2       | table 1  | table 2  | whole mebibytes, in any order                             |
///
/// Specified in [MS-VHDX], "Virtual Hard Disk v2 (VHDX) File Format"; sections named here are of it.
///
/// Read are fixed, dynamic and differencing disks with sectors of 512 and 4096 bytes. A log that was not replayed when
/// the file was last written is replayed in memory: all but the headers is read as it will be once the log is written
/// to its places, and nothing is written. Not read: files of other versions, and files with regions or metadata items
/// that a reader has to know and this one does not. The parent of a differencing disk has to be VHDX, unless it is
/// given by name.
final class VHDX: IdentifiedDisk {
  static let format = ImageFormat.vhdx
  static let identifierTerm = "data write GUID"
  static let identifierTellsContents = true

  let size: UInt64
  /// The file, with its log replayed, and the parent's disk where there is one.
  let sources: [any BlockDevice]
  let parent: DiskImage?
  /// Identifies the state of the contents, which differencing disks name their parents by.
  private let contentsID: GUID

  private let facts: ImageSummary
  let metadata: Metadata
  private let regions: Regions
  let shape: BlockTableShape
  let table: EntryTable
  let pages: BlockCache

  var identifier: String? { contentsID.text }

  static func recognizes(_ probe: ImageProbe) -> Bool { probe.has(signature) }

  init(reading file: ImageFile) throws(ImageError) {
    var summary = ImageSummary()
    summary.creator = try Self.creator(in: file)
    let header = try Header.current(in: file, notices: &summary.notices)
    let file = try Self.replayed(file, header: header, summary: &summary)
    regions = try Regions(in: file.device, log: header.log, notices: &summary.notices)
    metadata = try Metadata(in: file.device, at: regions.metadata)
    shape = BlockTableShape(metadata)
    guard shape.count <= (regions.blockTable.upperBound - regions.blockTable.lowerBound) / 8 else {
      throw .damaged("has a block allocation table that is too small for its disk")
    }
    pages = file.tableCache()
    table = try file.table(at: regions.blockTable.lowerBound, count: shape.count, entrySize: 8, pages: pages)
    size = metadata.diskSize
    contentsID = header.dataWriteGUID
    if let locator = metadata.parentLocator {
      let parent = try Self.openParent(locator, of: file, sectorSize: metadata.sectorSize, summary: &summary)
      self.parent = parent
      sources = [file.device, parent.disk]
    } else {
      parent = nil
      sources = [file.device]
    }
    summary.variant = metadata.hasParent ? "differencing" : metadata.leavesBlocksAllocated ? "fixed" : "dynamic"
    summary.clusterSize = metadata.blockSize
    summary.sectorSize = Int(metadata.sectorSize)
    summary.uuid = metadata.diskID?.text
    facts = summary
  }

  var summary: ImageSummary {
    var summary = facts
    summary.allocatedSize = allocatedSize
    return summary
  }

  /// The file as it is once its log is replayed.
  private static func replayed(
    _ file: ImageFile, header: Header, summary: inout ImageSummary
  ) throws(ImageError) -> ImageFile {
    guard !header.logGUID.isZero else { return file }
    let log = try Log(in: file.device, header: header)
    guard let head = log.entries.last else {
      summary.isDirty = true
      summary.notices.append("was not closed, but its log holds no whole entry: nothing is replayed")
      return file
    }
    let writes = try log.writes()
    if writes.count > 0 {
      summary.isDirty = true
      summary.notices.append("was not closed; its log is replayed in memory, and the file stays as it is")
    }
    let device = try ImageError.wrapping { () throws(ReadError) in
      let size = max(file.device.size, head.lastFileSize, writes.end)
      return ComposedDevice(try ReplayedMap(of: file.device, with: writes, size: size))
    }
    return ImageFile(device: device, path: file.path, opening: file.opening, options: file.options)
  }

  private static func openParent(
    _ locator: ParentLocator, of file: ImageFile, sectorSize: UInt64, summary: inout ImageSummary
  ) throws(ImageError) -> DiskImage {
    summary.parentName = locator.paths.first
    let parent = try IdentifiedParent<VHDX>(of: file, named: locator.names, identifiers: locator.linkages)
    if let parentSize = parent.disk?.metadata.sectorSize, parentSize != sectorSize {
      throw .damaged("has sectors of \(sectorSize) bytes, and its parent of \(parentSize)")
    }
    summary.notices += parent.notices
    return parent.image
  }

  func map(_ range: Range<UInt64>, into extents: inout ExtentList) throws(ReadError) {
    let told = extents.length
    var page: EntryPage?
    var position = range.lowerBound
    while position < range.upperBound && !extents.isFull {
      let block = position / shape.blockSize
      let skipped = position % shape.blockSize
      let length = min(shape.blockSize - skipped, range.upperBound - position)
      let index = shape.entry(ofBlock: block)
      let entries: EntryPage
      if let page, page.entries.contains(index) { entries = page } else { entries = try table.page(of: index) }
      page = entries
      let entry = BlockEntry(try entries.le64(index))
      switch entry.state {
      case .notPresent?:
        extents.append(absent: position..<(position + length), parent: parent, source: 1)
      case .undefined?, .unmapped?, .unmappedInDraft?:
        extents.append(.hole, length: length)
      case .zero?:
        extents.append(.unwritten, length: length)
      case .fullyPresent?:
        let offset = try place(of: entry, index: index, size: min(shape.blockSize, size - block * shape.blockSize))
        extents.append(.mapped(source: 0, offset: offset + skipped), length: length)
      case .partiallyPresent?:
        try appendSectors(of: block, entry, position..<(position + length), &extents)
      case nil: throw .corrupt("entry of the block allocation table", at: index)
      }
      position = range.lowerBound + (extents.length - told)
    }
  }

  /// Where in the file the block of an entry is, of which `size` bytes are of interest.
  func place(of entry: BlockEntry, index: UInt64, size: UInt64) throws(ReadError) -> UInt64 {
    let end = try entry.offset.adding(size, of: "entry of the block allocation table")
    guard regions.areFree(entry.offset..<end), entry.offset < sources[0].size else {
      throw .corrupt("entry of the block allocation table", at: index)
    }
    return entry.offset
  }
}
