internal import BlockDevices
internal import Bytes

/// Virtual Hard Disk images: of Virtual PC, Virtual Server, Hyper-V, XenServer, Azure.
///
/// Specified in "Virtual Hard Disk Image Format Specification", version 1.0 (Microsoft, 2006).
///
/// Read are fixed, dynamic and differencing images, with footers of 512 and 511 bytes. A file in several parts, as
/// Virtual Server 2005 and before made it where files could not be large, is not.
///
///     fixed         data of the disk                                                                     footer
///     the others    copy of the footer, dynamic disk header, block allocation table, blocks …            footer
///     block         bitmap of its sectors (whole sectors), data
///
/// An entry of the block allocation table is the sector at which the block's bitmap begins, or all ones. A sector whose
/// bit is clear is the parent's in a differencing image; in a dynamic one it was never written, and reads as zeros.
/// qemu 7.2 ignores the bitmaps, as it sets all bits of those it makes; here the specification is followed.
final class VHD: IdentifiedDisk {
  static let format = ImageFormat.vpc
  static let identifierTerm = "UUID"
  static let identifierTellsContents = false

  let size: UInt64
  let sources: [any BlockDevice]
  let parent: DiskImage?
  let summary: ImageSummary
  let footer: Footer
  /// Offset in the file of the footer at its end, or the file's size.
  private let dataEnd: UInt64
  /// nil for a fixed disk.
  private let blocks: BlockTable?

  var identifier: String? { footer.uniqueID.text }

  static func recognizes(_ probe: ImageProbe) -> Bool {
    Footers(head: probe.head, tail: probe.tail, size: probe.size).isOfVHD(probe)
  }

  init(reading file: ImageFile) throws(ImageError) {
    let probe = ImageProbe(of: file.device)
    let footers = Footers(head: probe.head, tail: probe.tail, size: probe.size)
    footer = try footers.chosen()
    guard let type = footer.type else {
      throw .unsupported("has the unknown VHD disk type \(footer.rawType)")
    }
    guard footer.version >> 16 == 1 else {
      throw .unsupported("has VHD's unknown file format version \(footer.version >> 16)")
    }
    size = footer.diskSize
    dataEnd = footers.dataEnd
    var summary = Self.summary(of: footer, type)
    summary.notices += footers.notices
    if type == .fixed {
      guard footers.last?.isIntact ?? false else {
        throw ImageError(.unreadable(.checksum("VHD footer", at: dataEnd)))
      }
      if size > dataEnd { summary.notices.append("it was cut short: its end is missing") }
      summary.allocatedSize = size
      parent = nil
      sources = [file.device]
      blocks = nil
    } else {
      let header = try DynamicHeader(in: file, at: footer.headerOffset)
      let blocks = try BlockTable(header, at: footer.headerOffset, in: file, diskSize: size, dataEnd: dataEnd)
      self.blocks = blocks
      summary.clusterSize = header.blockSize
      if let count = try blocks.allocatedCount(in: file) {
        summary.allocatedSize = min(count.multipliedReportingOverflow(by: header.blockSize).partialValue, size)
      }
      if type == .differencing {
        let (parent, name, notices) = try Self.parent(of: file, header)
        self.parent = parent
        summary.parentName = name
        summary.notices += notices
        sources = [file.device, parent.disk]
      } else {
        parent = nil
        sources = [file.device]
      }
    }
    self.summary = summary
  }

  func map(_ range: Range<UInt64>, into extents: inout ExtentList) throws(ReadError) {
    if let blocks {
      try blocks.map(range, parent: parent, into: &extents)
    } else {
      guard range.upperBound <= dataEnd else { throw .truncated("data", at: max(range.lowerBound, dataEnd)) }
      extents.append(.mapped(source: 0, offset: range.lowerBound), length: range.upperBound - range.lowerBound)
    }
  }

  private static func summary(of footer: Footer, _ type: Footer.DiskType) -> ImageSummary {
    var summary = ImageSummary()
    summary.variant = "\(type)"
    summary.creator = footer.creatorText
    summary.created = footer.created
    if !footer.uniqueID.isZero { summary.uuid = footer.uniqueID.text }
    if footer.diskSize < footer.currentSize / 512 * 512 {
      summary.notices.append(
        "\(footer.diskSize) of its \(footer.currentSize) bytes are shown: its geometry has no more, and counts")
    }
    if footer.isInSavedState {
      summary.notices.append("it belongs to a virtual machine whose state was saved: what is on it may be in use")
    }
    return summary
  }
}
