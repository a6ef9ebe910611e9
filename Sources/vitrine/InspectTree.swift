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
  enum Ink: String {
    case plain = ""
    case dim = "2"
    case name = "1"
    case readable = "32"
    case known = "36"
    case notice = "33"
    case error = "31"
  }

  func ink(_ text: String, _ ink: Ink) -> String {
    style.usesColor && ink != .plain && !text.isEmpty ? "\u{1B}[\(ink.rawValue)m\(text)\u{1B}[0m" : text
  }

  var glyphs: (branch: String, last: String, line: String) {
    style.usesUnicode ? ("├─ ", "└─ ", "│  ") : ("|- ", "`- ", "|  ")
  }

  func text(of report: InspectReport) -> String {
    let stack = report.stack
    var lines = [
      ink(Escaped.text(stack.image.path.string), .name) + "  " + imageFacts(report)
    ]
    lines += facts(of: report.images, snapshot: report.snapshot)
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

  func size(_ bytes: UInt64) -> String { InspectFormat.size(bytes, exact: style.exactSizes) }

  private func imageFacts(_ report: InspectReport) -> String {
    guard let image = report.images.first else { return "" }
    return heading(of: image, size: report.stack.disk.size)
      + (report.offset > 0 ? ", from byte \(report.offset)" : "")
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

// MARK: Lines

extension InspectTree {
  /// Columns of the keys of facts.
  static let keyWidth = 12

  func padded(_ key: String) -> String {
    ink(key, .dim) + String(repeating: " ", count: max(1, Self.keyWidth - key.count))
  }

  /// A key and its value, on as many lines as it takes; none where there is nothing to say.
  func fact(_ key: String, _ value: String?, _ ink: Ink = .plain, indent: String) -> [String] {
    guard let value, !value.isEmpty else { return [] }
    let room = max(20, style.width - visibleWidth(indent) - Self.keyWidth)
    return Self.broken(value, room).enumerated().map { number, part in
      indent + (number == 0 ? padded(key) : String(repeating: " ", count: Self.keyWidth)) + self.ink(part, ink)
    }
  }

  func wrapped(_ text: String, mark: Bool, indent: String, _ ink: Ink) -> [String] {
    let room = max(20, style.width - visibleWidth(indent) - (mark ? 2 : 0))
    return Self.broken(text, room).enumerated().map { number, part in
      indent + (mark ? self.ink(number == 0 ? "! " : "  ", ink) : "") + self.ink(part, ink)
    }
  }

  /// Breaks at spaces; a word longer than the room stays whole.
  static func broken(_ text: String, _ room: Int) -> [String] {
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
  func visibleWidth(_ text: String) -> Int {
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
