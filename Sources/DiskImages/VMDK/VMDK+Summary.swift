extension VMDK {
  /// Bytes of tables that are read to count what is allocated.
  private static let countingBudget: UInt64 = 4 << 20

  var summary: ImageSummary {
    var summary = ImageSummary()
    summary.variant = descriptor?.createType
    summary.clusterSize = sparseExtents.first?.layout.grainSize
    summary.countAllocated = { self.allocatedSize }
    summary.compression = sparseExtents.contains { $0.layout.compression != nil } ? "zlib" : nil
    summary.isDirty = sparseExtents.contains { $0.layout.isDirty }
    summary.parentName = parent == nil ? nil : descriptor?.parentName
    summary.parentFormat = parent == nil ? nil : Self.format.rawValue
    summary.notices = notices
    let database = descriptor?.database ?? [:]
    // VirtualBox has a key of its own; what VMware writes are 16 bytes in hexadecimal, in groups of its taste.
    summary.uuid = (database["uuid"] ?? database["uuid.image"]).flatMap { $0.isEmpty ? nil : $0 }
    summary.creator = Self.creator(database)
    summary.specific = specific
    return summary
  }

  private var sparseExtents: [SparseExtent] {
    extents.compactMap { extent in
      if case .sparse(let sparse, _) = extent.contents { sparse } else { nil }
    }
  }

  private var allocatedSize: UInt64? {
    var budget = Self.countingBudget
    var total: UInt64 = 0
    for extent in extents {
      switch extent.contents {
      case .zeros, .inaccessible: break
      case .flat(_, _, let available): total += available
      case .sparse(let sparse, _):
        guard let count = sparse.allocatedSize(budget: &budget) else { return nil }
        total += count
      }
    }
    return total
  }

  /// No program writes its name; what it wrote the disk for says something.
  private static func creator(_ database: [String: String]) -> String? {
    var facts: [String] = []
    if database["uuid.image"] != nil { facts.append("VirtualBox") }
    if let version = database["virtualhwversion"] { facts.append("virtual hardware \(version)") }
    // The greatest number means that there are none.
    if let version = database["toolsversion"], version != "2147483647" { facts.append("tools \(version)") }
    if let adapter = database["adaptertype"] { facts.append("adapter \(adapter)") }
    return facts.isEmpty ? nil : facts.joined(separator: ", ")
  }

  /// As `qemu-img info` has it.
  private var specific: [(key: String, value: ImageFact)] {
    var facts: [(key: String, value: ImageFact)] = []
    if let descriptor {
      facts.append(("cid", .number(UInt64(descriptor.contentID ?? Descriptor.noParent))))
      facts.append(("parent-cid", .number(UInt64(descriptor.parentContentID ?? Descriptor.noParent))))
      if let type = descriptor.createType { facts.append(("create-type", .text(type))) }
    }
    facts.append(("extents", .list(extents.map { .record(Self.facts(of: $0)) })))
    return facts
  }

  private static func facts(of extent: DiskExtent) -> [(key: String, value: ImageFact)] {
    var facts: [(key: String, value: ImageFact)] = []
    if case .sparse(let sparse, _) = extent.contents {
      if sparse.layout.compression != nil { facts.append(("compressed", .flag(true))) }
      facts.append(("virtual-size", .number(extent.length)))
      facts.append(("filename", .text(extent.path)))
      facts.append(("cluster-size", .number(sparse.layout.grainSize)))
    } else {
      facts.append(("virtual-size", .number(extent.length)))
      facts.append(("filename", .text(extent.path)))
    }
    facts.append(("format", .text(extent.type)))
    return facts
  }
}
