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
    help: ArgumentHelp(
      "Only these columns, between commas; all without a list: \(DfColumn.list).", valueName: "columns"))
  var output: DfColumnList?

  @Option(
    name: [.customShort("t", allowingJoined: true), .customLong("type")],
    help: ArgumentHelp("Only filesystems of this type.", valueName: "type"))
  var type: [String] = []

  @Option(
    name: [.customShort("x", allowingJoined: true), .customLong("exclude-type")],
    help: ArgumentHelp("No filesystems of this type.", valueName: "type"))
  var excludeType: [String] = []

  @OptionGroup var json: JSONArgument

  func validate() throws {
    for (isGiven, name) in [(inodes, "-i"), (printType, "-T"), (portability, "-P")] where isGiven && output != nil {
      throw ValidationError("\(name) has no place beside --output")
    }
  }

  func run() throws {
    let opened = try operand.open()
    let destination = Output()
    let problems = Problems(opened, destination)
    let shown = try fileSystems(opened, problems).filter { entry in
      let name = entry.fileSystem.summary.type
      return (type.isEmpty || type.contains(name)) && !excludeType.contains(name)
    }
    if shown.isEmpty && (!type.isEmpty || !excludeType.isEmpty) && problems.status == .success {
      throw Failure("\(opened.name): there is no filesystem of such a type", .cannotOpen)
    }
    if json.isWanted {
      let array = try JSONArrayOutput(destination)
      for entry in shown { try array.write(object(entry, opened)) }
      try array.finish()
    } else if !shown.isEmpty || problems.status == .success {
      var rows = shown.map { DfRow($0, in: opened) }
      if total { rows.append(DfRow(totalOf: rows, isNamed: columns.contains(.source))) }
      try DfTable(columns: columns, unit: sizes.unit(si: si) ?? .blocks(1024, suffix: ""), style: style)
        .write(rows, to: destination)
    }
    try problems.finish()
  }

  private var columns: [DfColumn] {
    if let output { return output.columns }
    let numbers: [DfColumn] = inodes ? [.itotal, .iused, .iavail, .ipcent] : [.size, .used, .avail, .pcent]
    return [.source] + (printType ? [.fstype] : []) + numbers + [.target]
  }

  private var style: DfTable.Style { portability ? .portable : output == nil ? .usual : .chosen }

  /// All, or those of the paths: each for itself, as df(1) has it.
  private func fileSystems(_ opened: BrowsedImage, _ problems: Problems) throws -> [DfEntry] {
    let all = opened.tree.shownFileSystems
    guard !paths.isEmpty else { return all.map { DfEntry(shown: $0, path: nil) } }
    var chosen: [DfEntry] = []
    for path in paths {
      do {
        let facts = try opened.tree.node(at: path.bytes)
        if case .file(let fileSystem, _)? = opened.tree.node(facts.number) {
          chosen += all.filter { $0.fileSystem === fileSystem }.map { DfEntry(shown: $0, path: path.bytes) }
        } else {
          try problems.report("is in no filesystem", at: path.bytes, .cannotOpen)
        }
      } catch let error as ReadError { try problems.report(error, at: path.bytes) }
    }
    return chosen
  }

  private func object(_ entry: DfEntry, _ opened: BrowsedImage) -> JSONValue {
    let summary = entry.fileSystem.summary
    let usage = FileSystemUsage(summary)
    return .object(
      [("volume", .optional(opened.volumeName(of: entry.fileSystem))), ("fstype", .string(summary.type))]
        + NodeJSON.text("path", entry.shown.path) + [
          ("size", .number(usage.size)), ("used", .number(usage.used)), ("free", .number(usage.free)),
          ("available", .number(usage.available)), ("block-size", .number(UInt64(summary.blockSize))),
          ("inodes", .number(usage.inodes)), ("free-inodes", .number(usage.freeInodes)),
        ])
  }
}

extension BrowsedImage {
  /// "p2": nil for the only one of a disk without partitions.
  func volumeName(of fileSystem: any FileSystem) -> String? {
    let volume = stack.volumes.first { $0.fileSystem === fileSystem }
    return stack.table == nil ? nil : volume?.name
  }
}
