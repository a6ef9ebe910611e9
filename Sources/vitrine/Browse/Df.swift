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

  @Argument(help: "A disk image or block device.", completion: .file())
  var image: String

  @Argument(help: ArgumentHelp("Only the filesystem that this is in.", valueName: "path"))
  var paths: [ImagePath] = []

  @Flag(name: [.customShort("h"), .customLong("human-readable")], help: "Sizes as 1.5K, 20M, 3G.")
  var humanReadable = false

  @Flag(name: [.customShort("i"), .customLong("inodes")], help: "Inodes, and not blocks.")
  var inodes = false

  @Flag(name: [.customShort("T"), .customLong("print-type")], help: "The type of each filesystem, too.")
  var printType = false

  @Flag(name: .customShort("k"), help: "Accepted: blocks are of 1024 bytes anyway.")
  var kibibytes = false

  @Flag(help: "Print JSON, with sizes in bytes.")
  var json = false

  @OptionGroup var browse: BrowseArguments

  func run() throws {
    let opened = try browse.open(image)
    let output = Output()
    let problems = Problems(opened, output)
    let shown = try fileSystems(opened, problems)
    if json {
      let array = try JSONArrayOutput(output)
      for entry in shown { try array.write(object(entry, opened)) }
      try array.finish()
    } else {
      var rows = [heading]
      for entry in shown { rows.append(row(entry, opened)) }
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
    let columns =
      inodes
      ? ["Inodes", "IUsed", "IFree", "IUse%"]
      : humanReadable ? ["Size", "Used", "Avail", "Use%"] : ["1K-blocks", "Used", "Available", "Use%"]
    return ["Filesystem"] + type + columns + ["Mounted on"]
  }

  private func row(_ entry: ShownFileSystem, _ opened: BrowsedImage) -> [String] {
    let summary = entry.fileSystem.summary
    let usage = FileSystemUsage(summary)
    var row = [source(entry, opened)] + (printType ? [summary.type] : [])
    if inodes {
      let used = usage.inodes - min(usage.freeInodes, usage.inodes)
      row += [usage.inodes, used, usage.freeInodes].map { humanReadable ? HumanSize.text($0) : "\($0)" }
      row.append(Self.percentage(used, of: usage.inodes))
    } else {
      row += [usage.size, usage.used, usage.available].map {
        humanReadable ? HumanSize.text($0) : "\(HumanSize.units($0, of: 1024))"
      }
      row.append(Self.percentage(usage.used, of: usage.used + min(usage.available, .max - usage.used)))
    }
    return row + [Escaped.text(entry.path)]
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
  let size: UInt64
  let used: UInt64
  let free: UInt64
  /// What is free and not reserved for root.
  let available: UInt64
  let inodes: UInt64
  let freeInodes: UInt64

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
