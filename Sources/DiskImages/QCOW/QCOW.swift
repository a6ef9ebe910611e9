internal import BlockDevices
internal import Bytes
internal import Codecs

/// A qcow image, version 1: what QEMU had before qcow2.
///
/// Described in QEMU's documentation of image formats and by its driver; big-endian.
///
///     header │ name of the backing file
///     L1 ──→ L2 ──→ clusters of data, or of compressed data
///
/// Read: clusters of 512 bytes to 64 KiB; unallocated and compressed clusters (deflate); backing files, whose format
/// the image cannot say. Not read: encrypted images (AES).
final class QCOW: VirtualDisk {
  static let format = ImageFormat.qcow

  let size: UInt64
  let sources: [any BlockDevice]
  let parent: DiskImage?

  private let device: any BlockDevice
  private let tables: ClusterTables
  private let clusterBits: UInt64
  private let clusterSize: UInt64
  private let backingName: String?

  static func recognizes(_ probe: ImageProbe) -> Bool { probe.has([0x51, 0x46, 0x49, 0xFB, 0, 0, 0, 1]) }

  init(reading file: ImageFile) throws(ImageError) {
    device = file.device
    let header = try Header(of: file)
    size = header.size
    clusterBits = header.clusterBits
    clusterSize = 1 << header.clusterBits
    backingName = header.backingName

    let entriesPerTable: UInt64 = 1 << header.tableBits
    let (clusterSize, size) = (clusterSize, size)
    let needed = try ImageError.wrapping { () throws(ReadError) in
      ClusterTables.rootCount(
        for: size,
        coverage: try ClusterTables.coverage(clusterSize: clusterSize, entriesPerTable: entriesPerTable))
    }
    let pages = file.tableCache()
    let root = try file.table(at: header.rootOffset, count: needed, entrySize: 8, pages: pages)
    tables = try ImageError.wrapping { () throws(ReadError) in
      try ClusterTables(
        root: root, pages: pages, device: file.device, clusterSize: clusterSize, entriesPerTable: entriesPerTable,
        entrySize: 8)
    }
    if let backingName, !backingName.isEmpty {
      let parent = try file.openParent([backingName])
      self.parent = parent
      sources = [file.device, parent.disk]
    } else {
      parent = nil
      sources = [file.device]
    }
  }

  var summary: ImageSummary {
    var summary = ImageSummary()
    summary.variant = "version 1"
    summary.clusterSize = clusterSize
    summary.compression = "zlib"
    summary.parentName = backingName
    summary.countAllocated = {
      self.tables.storedSize(of: self.size, table: self.table) { (page, entry) throws(ReadError) in
        try page.rawSpan.be64(entry, of: "L2 table") != 0
      }
    }
    return summary
  }
}

extension QCOW {
  /// The header, of 48 bytes.
  private struct Header {
    /// Bytes of the disk: whole sectors of 512 bytes.
    let size: UInt64
    /// 9 to 16.
    let clusterBits: UInt64
    /// Of the number of entries in an L2 table: 6 to 13.
    let tableBits: UInt64
    let rootOffset: UInt64
    let backingName: String?

    init(of file: ImageFile) throws(ImageError) {
      let bytes = try file.bytes(48, at: 0)
      let span = bytes.rawSpan
      let backingOffset: UInt64
      let backingCount: UInt32
      let encryption: UInt32
      do throws(ReadError) {
        backingOffset = try span.be64(8, of: "header")
        backingCount = try span.be32(16, of: "header")
        // QEMU counts in sectors, and leaves out what is less than one.
        size = try span.be64(24, of: "header") & ~511
        clusterBits = UInt64(try span.u8(32, of: "header"))
        tableBits = UInt64(try span.u8(33, of: "header"))
        encryption = try span.be32(36, of: "header")
        rootOffset = try span.be64(40, of: "header")
      } catch {
        throw ImageError(.unreadable(error))
      }
      switch encryption {
      case 0: break
      case 1: throw .unsupported("is encrypted (AES), which is not supported")
      default: throw .unsupported("is encrypted by a method unknown to this program: number \(encryption)")
      }
      guard (9...16).contains(clusterBits) else {
        throw .damaged("has clusters of 2^\(clusterBits) bytes, and there are none below 2^9 or above 2^16")
      }
      guard (6...13).contains(tableBits) else {
        throw .damaged("has L2 tables of 2^\(tableBits) entries, and there are none below 2^6 or above 2^13")
      }
      guard size <= ClusterTables.sizeLimit else { throw .damaged("says that the disk has \(size) bytes") }
      guard rootOffset >= 48 || size == 0 else { throw .damaged("has an L1 table in its header") }
      if backingOffset != 0 {
        // As many bytes as QEMU takes.
        guard backingOffset >= 48, backingCount <= 1023 else {
          throw .damaged("has a backing file with a name of \(backingCount) bytes (at \(backingOffset))")
        }
        backingName = String(terminated: try file.bytes(Int(backingCount), at: backingOffset))
      } else {
        backingName = nil
      }
    }
  }

  /// An entry of an L2 table that has this bit tells where compressed data lie, and how many bytes they are.
  private static let compressedFlag: UInt64 = 1 << 63

  @Sendable private func table(_ index: UInt64) throws(ReadError) -> UInt64 {
    let offset = try tables.root.be64(index)
    guard offset == 0 || offset >= 48 else { throw .corrupt("entry of the L1 table", at: index) }
    return offset
  }

  func map(_ range: Range<UInt64>, into extents: inout ExtentList) throws(ReadError) {
    try tables.map(range, into: &extents, parent: parent, source: 1, table: table) {
      (page, entry, part, extents) throws(ReadError) in
      try append(page.rawSpan.be64(entry, of: "L2 table"), part, to: &extents)
    }
  }

  /// Appends `part` of the cluster that an entry tells of.
  private func append(_ entry: UInt64, _ part: Range<UInt64>, to extents: inout ExtentList) throws(ReadError) {
    if entry == 0 { return extents.append(absent: part, parent: parent, source: 1) }
    let skip = part.lowerBound & (clusterSize - 1)
    let length = part.upperBound - part.lowerBound
    guard entry & Self.compressedFlag != 0 else {
      guard entry >= 48, entry < device.size else { throw .corrupt("entry of the L2 table", at: part.lowerBound) }
      guard skip + length <= device.size - entry else { throw .truncated("cluster", at: entry) }
      extents.append(.mapped(source: 0, offset: entry + skip), length: length)
      return
    }
    let unit = entry & ~Self.compressedFlag
    let place = compressedPlace(unit)
    guard place.offset >= 48, device.contains(place.count, at: place.offset) else {
      throw .corrupt("compressed cluster", at: part.lowerBound)
    }
    extents.append(.encoded(EncodedUnit(unit, size: Int(clusterSize)), skip: Int(skip)), length: length)
  }

  /// Where the compressed data of a unit lie: their byte, and how many bytes, below the size of a cluster.
  private func compressedPlace(_ unit: UInt64) -> (offset: UInt64, count: UInt64) {
    let offsetBits = 63 - clusterBits
    return (unit & ((1 << offsetBits) - 1), (unit >> offsetBits) & (clusterSize - 1))
  }

  func decode(_ unit: EncodedUnit, into out: inout OutputRawSpan) throws(ReadError) {
    let place = compressedPlace(unit.id)
    let bytes = try device.bytes(Int(place.count), at: place.offset)
    do throws(ReadError) {
      try Codec.deflate.decode(bytes.rawSpan, count: unit.size, of: "compressed cluster", into: &out)
    } catch {
      throw ReadError(error.cause, error.subject, at: place.offset)
    }
  }
}
