internal import ArgumentParser
internal import Browsing
internal import Bytes
internal import DiskStack
internal import FileSystems

/// `vitrine df`: how full the filesystems in an image are.
struct Df: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "df",
    abstract: "Show how full the filesystems in an image are, without mounting it.",
    helpNames: .long)

  @OptionGroup var operand: ImageOperand

  @Argument(help: ArgumentHelp("Only the filesystem that this is in.", valueName: "path"))
  var paths: [ImagePath] = []

  @OptionGroup var sizes: SizeArguments

  @Flag(name: [.customShort("i"), .customLong("inodes")], help: "Inodes, and not blocks.")
  var inodes = false

  @Flag(name: [.customShort("T"), .customLong("print-type")], help: "The type of each filesystem, too.")
  var printType = false

  @Flag(name: [.customShort("H"), .customLong("si")], help: "As -h, in powers of 1000.")
  var si = false

  @Flag(name: [.customShort("P"), .customLong("portability")], help: "Headings as POSIX has them.")
  var portability = false

  @Flag(help: "The sum of all at the end.")
  var total = false

  @Option(
    name: [.customShort("t", allowingJoined: true), .customLong("type")],
    help: ArgumentHelp("Only filesystems of this type.", valueName: "type"))
  var type: [String] = []

  @Option(
    name: [.customShort("x", allowingJoined: true), .customLong("exclude-type")],
    help: ArgumentHelp("No filesystems of this type.", valueName: "type"))
  var excludeType: [String] = []

  @OptionGroup var json: JSONArgument

  func run() throws {
    let opened = try operand.open()
    let output = Output()
    let problems = Problems(opened, output)
    let shown = try fileSystems(opened, problems).filter { entry in
      let name = entry.fileSystem.summary.type
      return (type.isEmpty || type.contains(name)) && !excludeType.contains(name)
    }
    if shown.isEmpty && (!type.isEmpty || !excludeType.isEmpty) && problems.status == .success {
      throw Failure("\(opened.name): there is no filesystem of such a type", .cannotOpen)
    }
    if json.isWanted {
      let array = try JSONArrayOutput(output)
      for entry in shown { try array.write(object(entry, opened)) }
      try array.finish()
    } else if !shown.isEmpty || problems.status == .success {
      var rows = [heading]
      var sum = FileSystemUsage()
      for entry in shown {
        let usage = FileSystemUsage(entry.fileSystem.summary)
        rows.append(row(source(entry, opened), entry.fileSystem.summary.type, usage, Escaped.text(entry.path)))
        sum.add(usage)
      }
      if total { rows.append(row("total", "-", sum, "-")) }
      try write(rows, to: output)
    }
    try problems.finish()
  }

  /// All, or those of the paths: each for itself, as df(1) has it.
  private func fileSystems(_ opened: BrowsedImage, _ problems: Problems) throws -> [ShownFileSystem] {
    let all = opened.tree.shownFileSystems
    guard !paths.isEmpty else { return all }
    var chosen: [ShownFileSystem] = []
    for path in paths {
      do {
        let facts = try opened.tree.node(at: path.bytes)
        if case .file(let fileSystem, _)? = opened.tree.node(facts.number) {
          chosen += all.filter { $0.fileSystem === fileSystem }
        } else {
          try problems.report("is in no filesystem", at: path.bytes, .cannotOpen)
        }
      } catch let error as ReadError { try problems.report(error, at: path.bytes) }
    }
    return chosen
  }

  private var heading: [String] {
    let type = printType ? ["Type"] : []
    let columns: [String]
    if inodes {
      columns = ["Inodes", "IUsed", "IFree", "IUse%"]
    } else if case .human = unit {
      columns = ["Size", "Used", "Avail", "Use%"]
    } else {
      columns = [sizeHeading, "Used", "Available", portability ? "Capacity" : "Use%"]
    }
    return ["Filesystem"] + type + columns + ["Mounted on"]
  }

  private var unit: SizeUnit { sizes.unit(si: si) ?? .blocks(1024, suffix: "") }

  /// "1K-blocks", "1M-blocks", "512B-blocks", "1kB-blocks"; in numbers where POSIX wants it.
  private var sizeHeading: String {
    guard case .blocks(let size, suffix: _) = unit else { return "Size" }
    if portability { return "\(size)-blocks" }
    func heading(_ base: UInt64, _ letters: [String]) -> String? {
      var rest = size
      var power = 0
      while rest % base == 0 && power < letters.count - 1 { (rest, power) = (rest / base, power + 1) }
      return power > 0 ? "\(rest)\(letters[power])-blocks" : nil
    }
    return heading(1024, ["", "K", "M", "G", "T", "P", "E"]) ?? heading(1000, ["", "kB", "MB", "GB", "TB", "PB", "EB"])
      ?? "\(size)B-blocks"
  }

  private func row(_ source: String, _ type: String, _ usage: FileSystemUsage, _ place: String) -> [String] {
    var row = [source] + (printType ? [type] : [])
    if inodes {
      let used = usage.inodes - min(usage.freeInodes, usage.inodes)
      row += [usage.inodes, used, usage.freeInodes].map { number in
        if case .human = unit { unit.text(number) } else { "\(number)" }
      }
      row.append(Self.percentage(used, of: usage.inodes))
    } else {
      row += [usage.size, usage.used, usage.available].map(unit.text)
      row.append(Self.percentage(usage.used, of: usage.used + min(usage.available, .max - usage.used)))
    }
    return row + [place]
  }

  private func source(_ entry: ShownFileSystem, _ opened: BrowsedImage) -> String {
    opened.volumeName(of: entry.fileSystem).map { "\(opened.name):\($0)" } ?? opened.name
  }

  /// Rounded up, as df(1) does; "-" of nothing.
  private static func percentage(_ part: UInt64, of whole: UInt64) -> String {
    guard whole > 0 else { return "-" }
    let product = part.multipliedFullWidth(by: 100)
    guard product.high < whole else { return "100%" }
    let (quotient, remainder) = whole.dividingFullWidth(product)
    return "\(quotient + (remainder > 0 ? 1 : 0))%"
  }

  /// The first column, and the type, to the left; numbers to the right.
  private func write(_ rows: [[String]], to output: Output) throws {
    let count = rows.first?.count ?? 0
    let leftCount = printType ? 2 : 1
    // As df(1) has it, so that lists with short names do not look different from others.
    var widths = [14] + (printType ? [4] : []) + [5, 5, 5, 4].map { $0 }
    for row in rows {
      for index in 0..<(count - 1) { widths[index] = max(widths[index], InspectFormat.columns(of: row[index])) }
    }
    for row in rows {
      var line = ""
      for (index, text) in row.enumerated() {
        guard index < count - 1 else {
          line += text
          break
        }
        let padding = String(repeating: " ", count: widths[index] - InspectFormat.columns(of: text))
        line += (index < leftCount ? text + padding : padding + text) + " "
      }
      try output.write(line + "\n")
    }
  }

  private func object(_ entry: ShownFileSystem, _ opened: BrowsedImage) -> JSONValue {
    let summary = entry.fileSystem.summary
    let usage = FileSystemUsage(summary)
    return .object(
      [("volume", .optional(opened.volumeName(of: entry.fileSystem))), ("fstype", .string(summary.type))]
        + NodeJSON.text("path", entry.path) + [
          ("size", .number(usage.size)), ("used", .number(usage.used)), ("free", .number(usage.free)),
          ("available", .number(usage.available)), ("block-size", .number(UInt64(summary.blockSize))),
          ("inodes", .number(usage.inodes)), ("free-inodes", .number(usage.freeInodes)),
        ])
  }
}

/// Bytes and inodes, as statfs(2) tells them.
private struct FileSystemUsage {
  private(set) var size: UInt64 = 0
  private(set) var used: UInt64 = 0
  private(set) var free: UInt64 = 0
  /// What is free and not reserved for root.
  private(set) var available: UInt64 = 0
  private(set) var inodes: UInt64 = 0
  private(set) var freeInodes: UInt64 = 0

  /// Of nothing.
  init() {}

  mutating func add(_ other: FileSystemUsage) {
    func sum(_ first: UInt64, _ second: UInt64) -> UInt64 {
      let (sum, overflow) = first.addingReportingOverflow(second)
      return overflow ? .max : sum
    }
    size = sum(size, other.size)
    used = sum(used, other.used)
    free = sum(free, other.free)
    available = sum(available, other.available)
    inodes = sum(inodes, other.inodes)
    freeInodes = sum(freeInodes, other.freeInodes)
  }

  init(_ summary: FileSystemSummary) {
    func bytes(_ blocks: UInt64) -> UInt64 {
      let (product, overflow) = blocks.multipliedReportingOverflow(by: UInt64(summary.blockSize))
      return overflow ? .max : product
    }
    size = bytes(summary.blockCount)
    free = bytes(summary.freeBlockCount)
    used = bytes(summary.blockCount - min(summary.freeBlockCount, summary.blockCount))
    available = bytes(summary.availableBlockCount)
    inodes = summary.inodeCount
    freeInodes = summary.freeInodeCount
  }
}

extension BrowsedImage {
  /// "p2": nil for the only one of a disk without partitions.
  func volumeName(of fileSystem: any FileSystem) -> String? {
    let volume = stack.volumes.first { $0.fileSystem === fileSystem }
    return stack.table == nil ? nil : volume?.name
  }
}
