internal import BlockDevices
internal import Bytes
internal import DiskStack
internal import FileSystems
internal import Volumes

// MARK: Columns

extension InspectTree {
  /// What the line of an item says: name, size, place, contents, label, type.
  struct Heading {
    var name: String
    var size: String
    var start: String
    var contents: String
    var label: String
    var type: String
    var isNested: Bool
  }

  struct Columns {
    var name = 0
    var size = 0
    var start = 0
    var contents = 0
    var label = 0

    init(_ headings: [Heading]) {
      for heading in headings {
        name = max(name, heading.name.count + (heading.isNested ? 3 : 0))
        size = max(size, heading.size.count)
        start = max(start, heading.start.count)
        contents = max(contents, InspectFormat.columns(of: heading.contents))
        // A long label pushes only its own line's type to the right.
        let width = InspectFormat.columns(of: heading.label)
        if width <= 20 { label = max(label, width) }
      }
    }
  }

  func heading(_ item: InspectReport.Item) -> Heading {
    switch item {
    case .free(let start, let size, let parent):
      return Heading(
        name: "free", size: self.size(size), start: self.size(start), contents: "", label: "", type: "",
        isNested: parent != nil)
    case .volume(let volume):
      var contents = volume.typeName.map { Escaped.text($0) } ?? "unknown"
      if case .container = volume.contents { contents = "" }
      if let version = volume.signature?.version, volume.fileSystem == nil, !contents.isEmpty {
        contents += " " + Escaped.text(version)
      }
      let partition = volume.partition
      return Heading(
        name: volume.name, size: size(volume.device.size), start: partition == nil ? "" : size(volume.start),
        contents: contents,
        label: volume.label.map { Escaped.text($0) } ?? "",
        type: partition.map { $0.typeName ?? Escaped.text($0.typeCode) } ?? "",
        isNested: partition?.parent != nil)
    }
  }

  func row(_ heading: Heading, _ columns: Columns, _ item: InspectReport.Item) -> String {
    func left(_ text: String, _ width: Int, _ ink: Ink) -> String {
      self.ink(text, ink) + String(repeating: " ", count: max(0, width - InspectFormat.columns(of: text)))
    }
    func right(_ text: String, _ width: Int) -> String {
      String(repeating: " ", count: max(0, width - InspectFormat.columns(of: text))) + text
    }
    var isFree = true
    var contentsInk = Ink.dim
    if case .volume(let volume) = item {
      isFree = false
      switch volume.contents {
      case .fileSystem: contentsInk = .readable
      case .unreadable: contentsInk = .error
      case .unsupported: contentsInk = .known
      case .container, .unknown: contentsInk = .dim
      }
    }
    var line = left(heading.name, columns.name - (heading.isNested ? 3 : 0), isFree ? .dim : .name)
    line += "  " + ink(right(heading.size, columns.size), isFree ? .dim : .plain)
    if columns.start > 0 {
      line += ink((heading.start.isEmpty ? "     " : "  at ") + right(heading.start, columns.start), .dim)
    }
    if !isFree {
      if columns.contents > 0 { line += "  " + left(heading.contents, columns.contents, contentsInk) }
      if columns.label > 0 || !heading.label.isEmpty { line += "  " + left(heading.label, columns.label, .plain) }
      line += "  " + ink(heading.type, .dim)
    }
    while line.hasSuffix(" ") { line.removeLast() }
    return line
  }
}

// MARK: Facts

extension InspectTree {
  func facts(of volume: Volume, in stack: DiskStack, indent: String) -> [String] {
    var lines: [String] = []
    func fact(_ key: String, _ value: String?, _ ink: Ink = .plain) {
      lines += self.fact(key, value, ink, indent: indent)
    }
    fact("UUID", volume.uuid.map { Escaped.text($0) })
    if let partition = volume.partition {
      fact("PARTLABEL", partition.label.map { Escaped.text($0) })
      fact("PARTUUID", partition.uuid)
      fact("flags", Self.flags(partition, of: stack.table))
      if let unit = stack.table.map({ UInt64($0.sectorSize) }), partition.size > 0 {
        fact("sectors", "\(partition.start / unit) to \((partition.start + partition.size - 1) / unit)")
      }
    }
    switch volume.contents {
    case .fileSystem(let fileSystem):
      facts(of: fileSystem.summary, details: fileSystem.details, fact)
      for notice in fileSystem.summary.notices { lines += wrapped(notice, mark: true, indent: indent, .notice) }
    case .unreadable: lines += wrapped(volume.detail ?? "", mark: true, indent: indent, .error)
    case .unsupported: lines += wrapped(volume.detail ?? "", mark: false, indent: indent, .dim)
    case .unknown, .container: break
    }
    for notice in volume.notices { lines += wrapped(notice, mark: true, indent: indent, .notice) }
    return lines
  }

  private func facts(
    of summary: FileSystemSummary, details: [FileSystemDetail], _ fact: (String, String?, Ink) -> Void
  ) {
    if summary.isSealed {
      fact("inodes", InspectFormat.count(summary.inodeCount), .plain)
    } else {
      fact("free", free(of: summary), .plain)
      if summary.inodeCount > 0 {
        fact(
          "inodes",
          "\(InspectFormat.count(summary.freeInodeCount)) of \(InspectFormat.count(summary.inodeCount)) free", .plain)
      }
    }
    fact("block size", size(UInt64(summary.blockSize)), .plain)
    for detail in details { fact(detail.name, text(of: detail.value), .plain) }
    fact("features", summary.features.map { Escaped.text($0) }.joined(separator: " "), .plain)
    fact("created", summary.created.map(InspectFormat.time), .plain)
    fact(
      "mounted",
      summary.lastMounted.map {
        InspectFormat.time($0) + (summary.lastMountPoint.map { " on " + Escaped.text($0) } ?? "")
      }, .plain)
    fact("written", summary.lastWritten.map(InspectFormat.time), .plain)
    if !summary.isSealed {
      fact("state", summary.isClean ? "clean" : "not clean", summary.isClean ? .plain : .notice)
    }
  }

  private func free(of summary: FileSystemSummary) -> String {
    "\(size(summary.byteCount(of: summary.freeBlockCount))) of \(size(summary.byteCount(of: summary.blockCount)))"
      + " (\(InspectFormat.percentage(summary.freeBlockCount, of: summary.blockCount)))"
  }

  private func text(of value: FileSystemDetail.Value) -> String {
    switch value {
    case .text(let text): Escaped.text(text)
    case .texts(let texts): texts.map { Escaped.text($0) }.joined(separator: ", ")
    case .count(let count): InspectFormat.count(count)
    case .size(let bytes): size(bytes)
    case .part(let part, let whole):
      "\(size(part)) of \(size(whole)) (\(InspectFormat.percentage(part, of: whole)))"
    }
  }

  /// The attribute bits by name, where they have one.
  private static func flags(_ partition: Partition, of table: PartitionTable?) -> String? {
    guard partition.flags != 0, let table else { return nil }
    if table.type == "dos" && partition.flags == 0x80 { return "active" }
    guard table.type == "gpt" else { return "0x" + String(partition.flags, radix: 16) }
    var names: [String] = []
    var rest = partition.flags
    let known: [(bit: UInt64, name: String)] = [
      (0, "required"), (1, "no block I/O"), (2, "legacy BIOS bootable"), (59, "grow filesystem"), (60, "read-only"),
      (62, "hidden"), (63, "no automount"),
    ]
    for (bit, name) in known where rest >> bit & 1 == 1 {
      names.append(name)
      rest &= ~(1 << bit)
    }
    if rest != 0 { names.append("0x" + String(rest, radix: 16)) }
    return names.joined(separator: ", ")
  }
}
