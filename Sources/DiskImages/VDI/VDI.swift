internal import BlockDevices
internal import Bytes

/// Virtual Disk Images: VirtualBox's own format.
///
/// There is no specification; the format is what VirtualBox does (its VDICore.h), and is described at
/// https://forums.virtualbox.org/viewtopic.php?t=8046.
///
/// Read are versions 1 and 0.1: fixed, dynamic, differencing and undo images, with blocks of any size. An image knows
/// its parent by UUID only: see `VDI+Parent.swift`.
///
///     header, block map, data: for each block that is there, some extra bytes and the block's own
///
/// An entry of the block map is the number of a block among the data, or one of two values: of a block that is free, and
/// so the parent's or nothing; or of one that is all zeros, whatever the parent has.
final class VDI: IdentifiedDisk {
  static let format = ImageFormat.vdi
  static let identifierTerm = "UUID"
  static let identifierTellsContents = false

  /// Of a block that is not there.
  private static let absent: UInt32 = 0xFFFF_FFFF
  /// Of a block that was zeroed.
  private static let zero: UInt32 = 0xFFFF_FFFE

  let size: UInt64
  let sources: [any BlockDevice]
  let parent: DiskImage?
  let summary: ImageSummary
  let header: Header
  private let blocks: EntryTable
  private let fileSize: UInt64

  var identifier: String? { header.id.text }

  static func recognizes(_ probe: ImageProbe) -> Bool {
    probe.has(Header.signature, at: Header.signatureOffset)
  }

  init(reading file: ImageFile) throws(ImageError) {
    let header = try Header(in: file)
    self.header = header
    size = header.diskSize
    fileSize = file.device.size
    let count = header.diskSize / header.blockSize + (header.diskSize % header.blockSize == 0 ? 0 : 1)
    blocks = try file.table(at: header.mapOffset, count: count, entrySize: 4, pages: file.tableCache())

    var summary = ImageSummary()
    summary.variant = "\(header.type), version \(header.versionText)"
    summary.clusterSize = header.blockSize
    summary.creator = header.text.isEmpty ? nil : header.text
    summary.uuid = header.id.isZero ? nil : header.id.text
    let allocated = try file.count(ofTableAt: header.mapOffset, entries: count) { (span, place) throws(ReadError) in
      try span.le32(place) < Self.zero
    }
    if let allocated { summary.allocatedSize = min(allocated * header.blockSize, size) }

    if header.parentID.isZero {
      guard header.type != .differencing && header.type != .undo else {
        throw .damaged("says that it has a parent, but not which")
      }
      parent = nil
      sources = [file.device]
    } else {
      let (parent, notices) = try Self.parent(of: file, header)
      self.parent = parent
      summary.parentName = header.parentID.text
      summary.notices += notices
      sources = [file.device, parent.disk]
    }
    self.summary = summary
  }

  func map(_ range: Range<UInt64>, into extents: inout ExtentList) throws(ReadError) {
    var position = range.lowerBound
    while position < range.upperBound && !extents.isFull {
      let skipped = position % header.blockSize
      let end = position + min(header.blockSize - skipped, range.upperBound - position)
      switch try blocks.le32(position / header.blockSize) {
      case Self.absent: extents.append(absent: position..<end, parent: parent, source: 1)
      case Self.zero: extents.append(.unwritten, length: end - position)
      case let entry:
        // No overflow: all three are below 2³², and so the product is below 2⁶⁴ less what is added.
        let start = header.dataOffset + UInt64(entry) * header.storedBlockSize
        let offset = start + header.extraSize + skipped
        guard offset <= fileSize, end - position <= fileSize - offset else {
          throw .truncated("block of the disk", at: start)
        }
        extents.append(.mapped(source: 0, offset: offset), length: end - position)
      }
      position = end
    }
  }
}
