internal import ArgumentParser
internal import Browsing
internal import Bytes
internal import DiskStack
internal import FileSystems

/// What df tells of a filesystem, by the names that its --output has for it.
enum DfColumn: String, CaseIterable {
  case source, fstype, itotal, iused, iavail, ipcent, size, used, avail, pcent, file, target

  /// All of them, between commas.
  static let list = allCases.map(\.rawValue).joined(separator: ",")

  /// Text is put to the left, numbers to the right.
  var isText: Bool {
    switch self {
    case .source, .fstype, .file, .target: true
    default: false
    }
  }

  /// Characters that it takes at least, so that lists with short names do not look different from others.
  var width: Int {
    switch self {
    case .source: 14
    case .fstype, .pcent, .ipcent: 4
    case .file, .target: 0
    default: 5
    }
  }
}

/// The value of --output: no column twice.
struct DfColumnList: ExpressibleByArgument {
  let columns: [DfColumn]

  init?(argument: String) {
    columns = argument.split(separator: ",", omittingEmptySubsequences: false).compactMap {
      DfColumn(rawValue: String($0))
    }
    guard columns.count == argument.count(where: { $0 == "," }) + 1, Set(columns).count == columns.count else {
      return nil
    }
  }
}

/// A filesystem that df shows, and the path that was asked for, where one was.
struct DfEntry {
  let shown: ShownFileSystem
  let path: [UInt8]?

  var fileSystem: any FileSystem { shown.fileSystem }
}

/// A line of df's table.
struct DfRow {
  private let source: String
  private let type: String
  private let path: String
  private let target: String
  private let usage: FileSystemUsage

  init(_ entry: DfEntry, in image: BrowsedImage) {
    let summary = entry.fileSystem.summary
    source = image.volumeName(of: entry.fileSystem).map { "\(image.name):\($0)" } ?? image.name
    type = summary.type
    path = entry.path.map { Escaped.text($0) } ?? "-"
    target = Escaped.text(entry.shown.path)
    usage = FileSystemUsage(summary)
  }

  /// - Parameter isNamed: whether the column is shown that else says what the row is; the last one does, without.
  init(totalOf rows: [DfRow], isNamed: Bool) {
    (source, type, path, target) = ("total", "-", "-", isNamed ? "-" : "total")
    usage = rows.reduce(into: FileSystemUsage()) { $0.add($1.usage) }
  }

  func text(_ column: DfColumn, in unit: SizeUnit) -> String {
    func count(_ number: UInt64) -> String { unit.isHuman ? unit.text(number) : "\(number)" }
    let usedInodes = usage.inodes - min(usage.freeInodes, usage.inodes)
    return switch column {
    case .source: source
    case .fstype: type
    case .file: path
    case .target: target
    case .itotal: count(usage.inodes)
    case .iused: count(usedInodes)
    case .iavail: count(usage.freeInodes)
    case .ipcent: Self.percentage(usedInodes, of: usage.inodes)
    case .size: unit.text(usage.size)
    case .used: unit.text(usage.used)
    case .avail: unit.text(usage.available)
    case .pcent: Self.percentage(usage.used, of: usage.used + min(usage.available, .max - usage.used))
    }
  }

  /// Rounded up, as df(1) does; "-" of nothing.
  private static func percentage(_ part: UInt64, of whole: UInt64) -> String {
    guard whole > 0 else { return "-" }
    let product = part.multipliedFullWidth(by: 100)
    guard product.high < whole else { return "100%" }
    let (quotient, remainder) = whole.dividingFullWidth(product)
    return "\(quotient + (remainder > 0 ? 1 : 0))%"
  }
}

/// The table that df prints.
struct DfTable {
  /// Whose headings it has.
  enum Style {
    case usual, portable, chosen
  }

  let columns: [DfColumn]
  let unit: SizeUnit
  let style: Style

  func write(_ rows: [DfRow], to output: Output) throws {
    var lines = [columns.map(heading)]
    for row in rows { lines.append(columns.map { row.text($0, in: unit) }) }
    let widths = columns.indices.map { index in
      lines.reduce(columns[index].width) { max($0, InspectFormat.columns(of: $1[index])) }
    }
    for line in lines {
      let cells = columns.indices.map { index in
        let padding = String(repeating: " ", count: widths[index] - InspectFormat.columns(of: line[index]))
        guard columns[index].isText else { return padding + line[index] }
        return index < columns.count - 1 ? line[index] + padding : line[index]
      }
      try output.write(cells.joined(separator: " ") + "\n")
    }
  }

  private func heading(_ column: DfColumn) -> String {
    switch column {
    case .source: "Filesystem"
    case .fstype: "Type"
    case .itotal: "Inodes"
    case .iused: "IUsed"
    case .iavail: "IFree"
    case .ipcent: "IUse%"
    case .size: sizeHeading
    case .used: "Used"
    case .avail: unit.isHuman || style == .chosen ? "Avail" : "Available"
    case .pcent: style == .portable && !unit.isHuman ? "Capacity" : "Use%"
    case .file: "File"
    case .target: "Mounted on"
    }
  }

  /// "1K-blocks", "1M-blocks", "512B-blocks", "1kB-blocks"; in numbers where POSIX wants it.
  private var sizeHeading: String {
    guard case .blocks(let size, suffix: _) = unit else { return "Size" }
    if style == .portable { return "\(size)-blocks" }
    func heading(_ base: UInt64, _ letters: [String]) -> String? {
      var rest = size
      var power = 0
      while rest % base == 0 && power < letters.count - 1 { (rest, power) = (rest / base, power + 1) }
      return power > 0 ? "\(rest)\(letters[power])-blocks" : nil
    }
    return heading(1024, ["", "K", "M", "G", "T", "P", "E"]) ?? heading(1000, ["", "kB", "MB", "GB", "TB", "PB", "EB"])
      ?? "\(size)B-blocks"
  }
}
