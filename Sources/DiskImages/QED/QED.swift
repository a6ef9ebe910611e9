internal import BlockDevices
internal import Bytes

/// A QED image, of QEMU.
///
/// Specified in docs/interop/qed_spec.txt of QEMU; little-endian.
///
///     header │ name of the backing file
///     L1 ──→ L2 ──→ clusters of data
///
/// Read: all of it: clusters of 4 KiB to 64 MiB, tables of 1 to 16 clusters, unallocated and zero clusters, backing
/// files. An image that "needs a check" was not closed: its tables are read as they are, and it is said. Incompatible
/// features that are not known are refused.
final class QED: VirtualDisk {
  static let format = ImageFormat.qed

  let size: UInt64
  let sources: [any BlockDevice]
  let parent: DiskImage?

  private let device: any BlockDevice
  private let tables: ClusterTables
  private let header: Header

  static func recognizes(_ probe: ImageProbe) -> Bool { probe.has("QED\0") }

  init(reading file: ImageFile) throws(ImageError) {
    device = file.device
    let header = try Header(of: file)
    self.header = header
    size = header.size
    let pages = file.tableCache()
    let root = try file.table(at: header.rootOffset, count: header.entriesPerTable, entrySize: 8, pages: pages)
    tables = try ImageError.wrapping { () throws(ReadError) in
      try ClusterTables(
        root: root, pages: pages, device: file.device, clusterSize: header.clusterSize,
        entriesPerTable: header.entriesPerTable, entrySize: 8)
    }
    let coverage = header.clusterSize * header.entriesPerTable
    guard ClusterTables.rootCount(for: size, coverage: coverage) <= root.count else {
      throw .damaged("has a disk of \(size) bytes, which is more than its tables lead to")
    }
    if let name = header.backingName, !name.isEmpty {
      let parent = try file.openParent([name], format: header.backingIsRaw ? .raw : nil)
      self.parent = parent
      sources = [file.device, parent.disk]
    } else {
      parent = nil
      sources = [file.device]
    }
  }

  var summary: ImageSummary {
    var summary = ImageSummary()
    summary.clusterSize = header.clusterSize
    summary.parentName = header.backingName
    summary.isDirty = header.needsCheck
    if header.needsCheck { summary.notices.append("was not closed, and needs a check: qemu-img check") }
    summary.countAllocated = {
      self.tables.storedSize(of: self.size, table: self.table) { (page, entry) throws(ReadError) in
        try page.rawSpan.le64(entry, of: "L2 table") > 1
      }
    }
    return summary
  }
}

extension QED {
  /// The place of the L2 table that entry `index` of the L1 table leads to; 0 for none.
  @Sendable private func table(_ index: UInt64) throws(ReadError) -> UInt64 {
    let offset = try tables.root.le64(index)
    guard offset == 0 || offset >= header.count && offset.isMultiple(of: header.clusterSize) else {
      throw .corrupt("entry of the L1 table", at: index)
    }
    return offset
  }

  func map(_ range: Range<UInt64>, into extents: inout ExtentList) throws(ReadError) {
    try tables.map(range, into: &extents, parent: parent, source: 1, table: table) {
      (page, entry, part, extents) throws(ReadError) in
      let length = part.upperBound - part.lowerBound
      switch try page.rawSpan.le64(entry, of: "L2 table") {
      case 0: extents.append(absent: part, parent: parent, source: 1)
      case 1: extents.append(.unwritten, length: length)
      case let offset:
        guard offset >= header.count, offset.isMultiple(of: header.clusterSize), offset < device.size else {
          throw .corrupt("entry of the L2 table", at: part.lowerBound)
        }
        let skip = part.lowerBound & (header.clusterSize - 1)
        guard skip + length <= device.size - offset else { throw .truncated("cluster", at: offset) }
        extents.append(.mapped(source: 0, offset: offset + skip), length: length)
      }
    }
  }
}
