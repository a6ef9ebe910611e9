internal import Bytes

extension QCOW2 {
  var summary: ImageSummary {
    var summary = ImageSummary()
    summary.variant = "version \(header.version)"
    summary.clusterSize = header.clusterSize
    summary.compression = header.has(.dataFile) ? nil : compressionName
    summary.isDirty = header.has(.dirty)
    summary.isCorrupt = header.has(.corrupt)
    summary.parentName = backingName
    summary.parentFormat = backingName == nil ? nil : extensions.backingFormat
    summary.snapshots = snapshots.map(\.summary)
    summary.specific = specific
    if header.has(.dirty) {
      summary.notices.append("was not closed: its reference counts may be stale, which reading does not depend on")
    }
    if header.has(.corrupt) {
      summary.notices.append("is marked as corrupt: a program found damage in its tables, and some data may be wrong")
    }
    summary.countAllocated = { self.storedSize }
    return summary
  }

  private var compressionName: String { header.compressionType == 1 ? "zstd" : "zlib" }

  /// As `qemu-img info` has it.
  private var specific: [(key: String, value: ImageFact)] {
    var facts: [(key: String, value: ImageFact)] = [
      ("compat", .text(header.version == 2 ? "0.10" : "1.1")),
      ("compression-type", .text(compressionName)),
    ]
    guard header.version >= 3 else { return facts + [("refcount-bits", .number(header.refcountBits))] }
    facts += [
      ("lazy-refcounts", .flag(header.compatibleFeatures & 1 != 0)),
      ("refcount-bits", .number(header.refcountBits)),
    ]
    if header.has(.dataFile) {
      facts += [
        ("data-file", .text(extensions.dataFile ?? "")),
        ("data-file-raw", .flag(header.hasRawDataFile)),
      ]
    }
    return facts + [
      ("corrupt", .flag(header.has(.corrupt))),
      ("extended-l2", .flag(header.has(.extendedEntries))),
    ]
  }

  /// Bytes of the disk in clusters that have a place in the file, as `qemu-img check` counts them.
  private var storedSize: UInt64? {
    tables.storedSize(of: size, table: table) { (page, entry) throws(ReadError) in
      let value = try page.rawSpan.be64(entry, of: "L2 table")
      // A place, or compressed, or at byte 0 of a data file.
      let isAtStart = header.has(.dataFile) && value >> 63 != 0
      return value & 0x00FF_FFFF_FFFF_FE00 != 0 || value >> 62 & 1 != 0 || isAtStart
    }
  }
}
