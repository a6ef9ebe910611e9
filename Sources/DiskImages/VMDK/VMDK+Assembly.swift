internal import BlockDevices
internal import Bytes
internal import SystemPackage

extension VMDK {
  /// Puts a disk together: opens the files of its extents, in order, and then its parent.
  struct Assembly {
    private let file: ImageFile
    /// The file that was opened comes first.
    private(set) var sources: [any BlockDevice]
    /// Those of further extents.
    private(set) var files: [HostFile] = []
    private(set) var extents: [DiskExtent] = []
    /// Bytes.
    private(set) var size: UInt64 = 0
    private(set) var notices: [String] = []
    /// Indices of sources by the names that the descriptor has for them: a file can hold several extents.
    private var opened: [String: Int] = [:]
    /// Sources that hold a sparse extent: only one each, so that what is kept of them is bounded by the number of files.
    private var sparseSources: Set<Int> = []
    /// Bytes of the cache for the tables of each sparse extent.
    private var cacheBudget: Int

    init(of file: ImageFile) {
      self.file = file
      sources = [file.device]
      cacheBudget = file.opening.cacheBudget
    }

    /// The disk that a sparse extent holds, with the descriptor that lies in it.
    /// - Returns: nil where none does.
    mutating func addExtentOfItsOwn() throws(ImageError) -> Descriptor? {
      let layout = try SparseLayout.read(from: file.device)
      guard let place = layout.descriptor else {
        guard layout.size > 0 else { throw .damaged("holds nothing: neither a disk nor the descriptor of one") }
        let name = VMDK.descriptorName(ofExtent: file.path.lastComponent?.string ?? "")
        notices.append(
          "is one extent of a disk: \(Escaped.text(name)) describes all of it; what a parent may hold reads as zeros")
        try add(layout, in: file, source: 0, type: "")
        return nil
      }
      let descriptor = try Descriptor(reading: file, place)
      if layout.size == 0 || descriptor.extents.count > 1 {
        try add(descriptor)
      } else {
        try add(layout, in: file, source: 0, type: "")
      }
      return descriptor
    }

    /// The disk that a descriptor tells of.
    mutating func add(_ descriptor: Descriptor) throws(ImageError) {
      guard !descriptor.extents.isEmpty else { throw .damaged("has a descriptor that names no extents") }
      cacheBudget /= max(1, descriptor.extents.count)
      for line in descriptor.extents { try add(line) }
    }

    private mutating func add(_ line: ExtentLine) throws(ImageError) {
      let length = try SparseLayout.bytes(ofSectors: line.sectors, "extent of the disk")
      guard line.access != .none else { return try append(.inaccessible, length, type: line.type) }
      switch line.type {
      case "ZERO": try append(.zeros, length, type: line.type)
      case "FLAT", "VMFS": try addFlat(line, length, try source(of: line))
      case "SPARSE", "VMFSSPARSE", "SESPARSE":
        let source = try source(of: line)
        guard sparseSources.insert(source).inserted else {
          throw .damaged("names \(Escaped.text(line.name ?? "")) for two extents, and it is one by itself")
        }
        let part = part(source)
        do throws(ImageError) {
          let layout = try SparseLayout.read(from: part.device)
          if layout.size != length {
            notices.append(
              "says that \(Escaped.text(line.name ?? "")) holds \(length) bytes of the disk; by itself it is \(layout.size)"
            )
          }
          try add(layout, in: part, source: source, type: line.type)
        } catch {
          throw error.located(in: part.path)
        }
      case "VMFSRDM", "VMFSRAW":
        let source = try source(of: line)
        guard (sources[source] as? HostFile)?.kind == .blockDevice else {
          throw .unsupported(
            "keeps its data on a device that VMFS maps (\(Escaped.text(line.name ?? ""))): only its host reads that")
        }
        try addFlat(line, length, source)
      default: throw .unsupported("has an extent of the unknown type \(Escaped.text(line.type))")
      }
    }

    private mutating func addFlat(_ line: ExtentLine, _ length: UInt64, _ source: Int) throws(ImageError) {
      let offset = try SparseLayout.bytes(ofSectors: line.offset, "offset of an extent")
      guard !offset.addingReportingOverflow(length).overflow else {
        throw .damaged("has an extent that ends nowhere, as its file would have to have more than 2^64 bytes")
      }
      let held = sources[source].size
      let available = min(length, held - min(offset, held))
      if length - available >= VMDK.sectorSize {
        notices.append("lacks \(length - available) bytes: \(Escaped.text(line.name ?? "")) has been cut short")
      }
      try append(
        .flat(source: source, offset: offset, available: available), length, source: source, type: line.type)
    }

    private mutating func add(
      _ layout: SparseLayout, in part: ImageFile, source: Int, type: String
    ) throws(ImageError) {
      // The page is what a cache holds at least: of many small extents, each has room for a few.
      let pages = BlockCache(of: part.device, blockSize: EntryTable.pageSize, budget: cacheBudget)
      let sparse = try SparseExtent(layout, in: part, pages: pages)
      let name = source == 0 ? "" : "\(Escaped.text(part.path.lastComponent?.string ?? "")) "
      if layout.isDirty { notices.append("\(name)was not closed cleanly by the program that wrote it") }
      if let damage = sparse.damage { notices.append("\(name)\(damage)") }
      try append(.sparse(sparse, source: source), layout.size, source: source, type: type)
    }

    private mutating func append(
      _ contents: DiskExtent.Contents, _ length: UInt64, source: Int? = nil, type: String
    ) throws(ImageError) {
      guard length <= UInt64(Int64.max) - size else { throw .damaged("is a disk of more than 2^63 bytes") }
      guard length > 0 else { return }
      let path = source.map { part($0).path.string } ?? ""
      extents.append(DiskExtent(start: size, length: length, contents: contents, path: path, type: type))
      size += length
    }

    /// The file that an extent lies in, opened once.
    private mutating func source(of line: ExtentLine) throws(ImageError) -> Int {
      guard let name = line.name, !name.isEmpty else {
        throw .damaged("has an extent of the type \(Escaped.text(line.type)) without the name of a file")
      }
      if let index = opened[name] { return index }
      guard !VMDK.isWindowsDevice(name) else {
        throw .unsupported("keeps its data on the Windows device \(Escaped.text(name))")
      }
      let host = try file.openPart(VMDK.candidates(for: name))
      let index = sources.count
      sources.append(host)
      files.append(host)
      opened[name] = index
      return index
    }

    /// The file of a source, to read a sparse extent from.
    private func part(_ source: Int) -> ImageFile {
      guard let host = sources[source] as? HostFile, source > 0 else { return file }
      return ImageFile(device: host, path: host.path, opening: file.opening, options: file.options)
    }

    /// The disk that this one was made on; nil where there is none.
    mutating func openParent(of descriptor: Descriptor?) throws(ImageError) -> DiskImage? {
      guard let descriptor, descriptor.hasParent else { return nil }
      let names = descriptor.parentName.map { VMDK.candidates(for: $0) } ?? []
      let parent = try IdentifiedParent<VMDK>(
        of: file, named: names, identifiers: descriptor.parentContentID.map { [Descriptor.text(ofContentID: $0)] } ?? []
      )
      notices += parent.notices
      return parent.image
    }
  }
}
