internal import Bytes
internal import BlockDevices
internal import DiskImages
internal import DiskStack
internal import FileSystems
internal import SystemPackage
internal import Volumes

/// `inspect` for people: a tree of layers, with a line of columns and some rows of facts for each volume.
struct InspectTree {
  struct Style {
    var usesColor: Bool
    /// Whether the tree is drawn with box-drawing characters.
    var usesUnicode: Bool
    /// Columns that a line may take, where it can be broken.
    var width: Int
    /// Sizes as numbers of bytes.
    var exactSizes: Bool
  }

  let style: Style

  /// What a piece of text is, which decides its colour.
  private enum Ink: String {
    case plain = ""
    case dim = "2"
    case name = "1"
    case readable = "32"
    case known = "36"
    case notice = "33"
    case error = "31"
  }

  private func ink(_ text: String, _ ink: Ink) -> String {
    style.usesColor && ink != .plain && !text.isEmpty ? "\u{1B}[\(ink.rawValue)m\(text)\u{1B}[0m" : text
  }

  private var glyphs: (branch: String, last: String, line: String) {
    style.usesUnicode ? ("├─ ", "└─ ", "│  ") : ("|- ", "`- ", "|  ")
  }

  func text(of report: InspectReport) -> String {
    let stack = report.stack
    var lines = [
      ink(Escaped.text(stack.image.path.string), .name) + "  " + imageFacts(report)
    ]
    for notice in stack.notices { lines += wrapped(notice, mark: true, indent: "  ", .notice) }
    var indent = ""
    if let table = stack.table {
      lines.append(ink(glyphs.last, .dim) + ink(Self.name(ofTable: table.type), .name) + "  " + tableFacts(table))
      indent = "   "
      let stem = report.items.isEmpty ? indent : indent + ink(glyphs.line, .dim)
      for notice in table.notices { lines += wrapped(notice, mark: true, indent: stem, .notice) }
      if table.partitions.isEmpty && table.type != "PMBR" {
        lines.append(indent + ink("  no partitions", .dim))
      }
    }
    let columns = Columns(report.items.map { heading($0) })
    let top = report.items.indices.filter { report.items[$0].parent == nil || report.items.count == 1 }
    for index in report.items.indices {
      let item = report.items[index]
      let isNested = !top.contains(index)
      let followsAtTop = top.contains { $0 > index }
      let isLast: Bool
      var stem = indent
      if isNested {
        isLast = index + 1 >= report.items.count || top.contains(index + 1)
        stem += followsAtTop ? ink(glyphs.line, .dim) : "   "
      } else {
        isLast = !followsAtTop
      }
      lines.append(stem + ink(isLast ? glyphs.last : glyphs.branch, .dim) + row(heading(item), columns, item))
      stem += isLast ? "   " : ink(glyphs.line, .dim)
      let holdsOthers = !isNested && index + 1 < report.items.count && !top.contains(index + 1)
      stem += holdsOthers ? ink(glyphs.line, .dim) : "   "
      if case .volume(let volume) = item { lines += facts(of: volume, in: stack, indent: stem) }
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private func size(_ bytes: UInt64) -> String { InspectFormat.size(bytes, exact: style.exactSizes) }

  private func imageFacts(_ report: InspectReport) -> String {
    let stack = report.stack
    let isDevice = stack.image.format == .raw && stack.image.files.first?.kind == .blockDevice
    let unit = style.exactSizes ? " bytes" : ""
    var facts = [isDevice ? "block device" : "\(stack.image.format.title) image", size(stack.disk.size) + unit]
    if !isDevice { facts.append("\(size(stack.image.actualSize))\(unit) allocated") }
    if report.offset > 0 { facts.append("from byte \(report.offset)") }
    return facts.joined(separator: ", ")
  }

  private func tableFacts(_ table: PartitionTable) -> String {
    ([table.uuid.map { "\($0)" }, "\(table.sectorSize)-byte sectors"].compactMap { $0 }).joined(separator: ", ")
  }

  private static func name(ofTable type: String) -> String {
    switch type {
    case "gpt": "GPT"
    case "dos": "MBR"
    case "PMBR": "GPT (unusable)"
    case "mac": "Apple partition map"
    case "bsd": "BSD disklabel"
    case "sun": "Sun disklabel"
    case "sgi": "SGI volume header"
    case "atari": "Atari partition table"
    default: "\(Escaped.text(type)) partition table"
    }
  }
}

// MARK: Columns

extension InspectTree {
  /// What the line of an item says: name, size, place, contents, label, type.
  private struct Heading {
    var name: String
    var size: String
    var start: String
    var contents: String
    var label: String
    var type: String
    var isNested: Bool
  }

  private struct Columns {
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

  private func heading(_ item: InspectReport.Item) -> Heading {
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

  private func row(_ heading: Heading, _ columns: Columns, _ item: InspectReport.Item) -> String {
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
  private static let keyWidth = 12

  private func facts(of volume: Volume, in stack: DiskStack, indent: String) -> [String] {
    var lines: [String] = []
    func fact(_ key: String, _ value: String?, _ ink: Ink = .plain) {
      guard let value, !value.isEmpty else { return }
      let padding = String(repeating: " ", count: max(1, Self.keyWidth - key.count))
      let room = max(20, style.width - visibleWidth(indent) - Self.keyWidth)
      for (number, part) in Self.broken(value, room).enumerated() {
        lines.append(
          indent + (number == 0 ? self.ink(key, .dim) + padding : String(repeating: " ", count: Self.keyWidth))
            + self.ink(part, ink))
      }
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
      facts(of: fileSystem.summary, fact)
      for notice in fileSystem.summary.notices { lines += wrapped(notice, mark: true, indent: indent, .notice) }
    case .unreadable: lines += wrapped(volume.detail ?? "", mark: true, indent: indent, .error)
    case .unsupported: lines += wrapped(volume.detail ?? "", mark: false, indent: indent, .dim)
    case .unknown, .container: break
    }
    for notice in volume.notices { lines += wrapped(notice, mark: true, indent: indent, .notice) }
    return lines
  }

  private func facts(of summary: FileSystemSummary, _ fact: (String, String?, Ink) -> Void) {
    fact(
      "free",
      "\(size(summary.byteCount(of: summary.freeBlockCount))) of \(size(summary.byteCount(of: summary.blockCount)))"
        + " (\(InspectFormat.percentage(summary.freeBlockCount, of: summary.blockCount)))", .plain)
    if summary.inodeCount > 0 {
      fact(
        "inodes",
        "\(InspectFormat.count(summary.freeInodeCount)) of \(InspectFormat.count(summary.inodeCount)) free", .plain)
    }
    fact("block size", size(UInt64(summary.blockSize)), .plain)
    fact("features", summary.features.map { Escaped.text($0) }.joined(separator: " "), .plain)
    fact("created", summary.created.map(InspectFormat.time), .plain)
    fact(
      "mounted",
      summary.lastMounted.map {
        InspectFormat.time($0) + (summary.lastMountPoint.map { " on " + Escaped.text($0) } ?? "")
      }, .plain)
    fact("written", summary.lastWritten.map(InspectFormat.time), .plain)
    fact("state", summary.isClean ? "clean" : "not clean", summary.isClean ? .plain : .notice)
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

// MARK: Lines

extension InspectTree {
  private func wrapped(_ text: String, mark: Bool, indent: String, _ ink: Ink) -> [String] {
    let room = max(20, style.width - visibleWidth(indent) - (mark ? 2 : 0))
    return Self.broken(text, room).enumerated().map { number, part in
      indent + (mark ? self.ink(number == 0 ? "! " : "  ", ink) : "") + self.ink(part, ink)
    }
  }

  /// Breaks at spaces; a word longer than the room stays whole.
  private static func broken(_ text: String, _ room: Int) -> [String] {
    var lines: [String] = []
    var line = ""
    for word in text.split(separator: " ") {
      if !line.isEmpty && line.count + 1 + word.count > room {
        lines.append(line)
        line = ""
      }
      line += line.isEmpty ? String(word) : " " + word
    }
    return lines + [line]
  }

  /// Columns that `text` takes, without its colours.
  private func visibleWidth(_ text: String) -> Int {
    var width = 0
    var isEscape = false
    for character in text {
      if character == "\u{1B}" { isEscape = true }
      if !isEscape { width += 1 }
      if isEscape && character == "m" { isEscape = false }
    }
    return width
  }
}
