internal import ArgumentParser
internal import Browsing
internal import Bytes
internal import FileSystems
internal import Synchronization

/// `vitrine tree`: folders and what is in them, drawn as a tree.
struct TreeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tree",
    abstract: "Draw folders of an image as a tree, without mounting it.")

  @OptionGroup var operand: ImageOperand

  @Argument(help: ArgumentHelp("Where the tree begins.", valueName: "path"))
  var paths: [ImagePath] = []

  @Flag(name: [.customShort("a"), .customLong("all")], help: "Also names that begin with a dot.")
  var all = false

  @Option(
    name: [.customShort("L", allowingJoined: true), .customLong("level")],
    help: ArgumentHelp("Not deeper than so many levels.", valueName: "depth"))
  var level: Int?

  @Flag(name: .customShort("d"), help: "Only folders.")
  var directories = false

  @Flag(name: .customShort("f"), help: "The whole path of each.")
  var fullPaths = false

  @Flag(name: .customShort("i"), help: "No lines in front of names.")
  var withoutLines = false

  @Option(
    name: .customShort("I", allowingJoined: true),
    help: ArgumentHelp("Leave out what one of these patterns matches, with | between.", valueName: "pattern"))
  var excluded: [ImagePath] = []

  @Option(
    name: .customShort("P", allowingJoined: true),
    help: ArgumentHelp("Only files that one of these patterns matches.", valueName: "pattern"))
  var included: [ImagePath] = []

  @Flag(name: .customLong("noreport"), help: "Do not count at the end.")
  var withoutReport = false

  @OptionGroup var json: JSONArgument

  @OptionGroup var color: ColorArgument

  func validate() throws {
    if let level, level < 1 { throw ValidationError("A tree has 1 level or more, not \(level).") }
  }

  func run() throws {
    let opened = try operand.open()
    let output = Output()
    let problems = Problems(opened, output)
    let colors = color.applies(onTerminal: output.isTerminal) ? LsColors() : nil
    if !(excluded + included).isEmpty { NamePattern.useCharactersOfLocale() }
    let drawing: any TreeDrawing =
      json.isWanted
      ? TreeJSON(output, hasReport: !withoutReport)
      : TreeLines(
        output, colors: colors, tellsFiles: !directories, hasLines: !withoutLines, hasReport: !withoutReport)
    let paths = paths.isEmpty ? [.root] : paths
    var counts = TreeCounts()
    try drawing.begin()
    for path in paths {
      do {
        // A folder is shown through a link to it, as it would be with a slash behind the link.
        let start = try opened.tree.node(at: path.bytes)
        try draw(opened.tree, from: start, at: path.bytes, by: drawing, &counts, problems, needsFacts: colors != nil)
      } catch let error as ReadError { try problems.report(error, at: path.bytes) }
    }
    try drawing.end(counts)
    try problems.finish()
  }

  private func draw(
    _ tree: Tree, from start: NodeFacts, at path: [UInt8], by drawing: any TreeDrawing, _ counts: inout TreeCounts,
    _ problems: Problems, needsFacts: Bool
  ) throws {
    var options = TreeWalk.Options()
    options.order = .byName()
    options.reportsLeaving = true
    options.needsFacts = needsFacts
    options.maximumDepth = level
    let showsHidden = all
    let onlyFolders = directories
    let excluded = Self.patterns(excluded)
    let included = Self.patterns(included)
    let entered = EnteredFolders()
    options.includes = { (name, entry) in
      guard showsHidden || name.byteCount == 0 || name[0] != UInt8(ascii: ".") else { return false }
      if onlyFolders || !excluded.isEmpty || !included.isEmpty {
        let bytes = [UInt8].filled(name.byteCount) { $0.append(contentsOf: name) }
        if excluded.contains(where: { $0.matches(bytes) }) { return false }
        let type = entry.type ?? (try? tree.facts(of: entry.number))?.attributes.type
        if type == .directory { return true }
        if !included.isEmpty && !included.contains(where: { $0.matches(bytes) }) { return false }
        guard onlyFolders else { return true }
        // A link to a folder counts as one.
        guard type == .symbolicLink else { return false }
        return (try? tree.node(at: LsListing.join(entered.last, bytes)))?.attributes.type == .directory
      }
      return true
    }
    var walk = TreeWalk(of: tree, from: start, named: path, options: options)
    while let event = walk.next() {
      switch event {
      case .node(let node):
        var target: [UInt8]?
        var isFolder = node.type == .directory
        if node.type == .symbolicLink {
          target = try? tree.linkTarget(of: node.number)
          isFolder = (try? tree.node(at: walk.path))?.attributes.type == .directory
        }
        if isFolder { counts.folders += 1 } else { counts.files += 1 }
        if node.type == .directory { entered.enter(walk.path) }
        try drawing.node(node, named: fullPaths ? walk.path[...] : node.name, target: target)
      case .left:
        entered.leave()
        try drawing.leave()
      case .failed(let error): try problems.report(error, at: walk.path)
      }
    }
  }
}

extension TreeCommand {
  private static func patterns(_ texts: [ImagePath]) -> [NamePattern] {
    texts.flatMap { $0.bytes.split(separator: UInt8(ascii: "|")).map { NamePattern(Array($0)) } }
  }
}

/// The paths of the folders that a walk is in.
private final class EnteredFolders: Sendable {
  private let paths = Mutex<[[UInt8]]>([])

  var last: [UInt8] { paths.withLock { $0.last ?? [] } }
  func enter(_ path: [UInt8]) { paths.withLock { $0.append(path) } }
  func leave() { paths.withLock { _ = $0.popLast() } }
}

struct TreeCounts {
  var folders = 0
  var files = 0
}

/// Something that draws what a walk tells of.
protocol TreeDrawing: AnyObject {
  func begin() throws
  /// - Parameter name: how the node is to be called.
  func node(_ node: TreeWalk.Node, named name: ArraySlice<UInt8>, target: [UInt8]?) throws
  /// The folder that was entered last is left.
  func leave() throws
  func end(_ counts: TreeCounts) throws
}

/// Lines as tree(1) draws them.
private final class TreeLines: TreeDrawing {
  private let output: Output
  private let colors: LsColors?
  private let tellsFiles: Bool
  private let hasLines: Bool
  private let hasReport: Bool
  private let isUTF8 = HostEnvironment.isUTF8
  /// What stands in front of the names of a level: a line down where more is to come, or nothing.
  private var continues: [Bool] = []

  init(_ output: Output, colors: LsColors?, tellsFiles: Bool, hasLines: Bool, hasReport: Bool) {
    self.output = output
    self.colors = colors
    self.tellsFiles = tellsFiles
    self.hasLines = hasLines
    self.hasReport = hasReport
  }

  func begin() {}

  func node(_ node: TreeWalk.Node, named name: ArraySlice<UInt8>, target: [UInt8]?) throws {
    continues.removeLast(max(0, continues.count - max(node.depth - 1, 0)))
    if node.depth > 0 && hasLines {
      var front: [UInt8] = []
      for goesOn in continues {
        front += goesOn ? (isUTF8 ? Array("│\u{A0}\u{A0} ".utf8) : Array("|   ".utf8)) : Array("    ".utf8)
      }
      if node.isLast {
        front += isUTF8 ? Array("└── ".utf8) : Array("`-- ".utf8)
      } else {
        front += isUTF8 ? Array("├── ".utf8) : Array("|-- ".utf8)
      }
      try output.write(front)
      continues.append(!node.isLast)
    }
    let name = shown(Array(name))
    if let colors, let facts = node.facts, let start = colors.start(node.name, facts.attributes) {
      try output.write(start + name + colors.reset)
    } else {
      try output.write(name)
    }
    if let target { try output.write(Array(" -> ".utf8) + shown(target)) }
    try output.newline()
  }

  func leave() {}

  func end(_ counts: TreeCounts) throws {
    guard hasReport else { return }
    let folders = counts.folders == 1 ? "directory" : "directories"
    let files = counts.files == 1 ? "file" : "files"
    try output.write("\n\(counts.folders) \(folders)" + (tellsFiles ? ", \(counts.files) \(files)\n" : "\n"))
  }

  /// What a terminal might obey is shown by its number.
  private func shown(_ name: [UInt8]) -> [UInt8] {
    if isUTF8, let text = String(validating: name, as: UTF8.self) {
      var shown: [UInt8] = []
      for scalar in text.unicodeScalars {
        switch scalar.properties.generalCategory {
        case .control, .surrogate, .unassigned, .lineSeparator, .paragraphSeparator:
          shown += Self.octal(scalar.value)
        default:
          shown += Self.isTurning(scalar) ? Self.octal(scalar.value) : Array(String(scalar).utf8)
        }
      }
      return shown
    }
    var shown: [UInt8] = []
    for byte in name {
      switch byte {
      case 7...13: shown += [UInt8(ascii: "\\"), Array("abtnvfr".utf8)[Int(byte - 7)]]
      case UInt8(ascii: " "), UInt8(ascii: "\\"): shown += [UInt8(ascii: "\\"), byte]
      case 0x20..<0x7F: shown.append(byte)
      default: shown += Self.octal(UInt32(byte))
      }
    }
    return shown
  }

  private static func isTurning(_ scalar: Unicode.Scalar) -> Bool {
    (0x202A...0x202E).contains(scalar.value) || (0x2066...0x2069).contains(scalar.value)
  }

  private static func octal(_ value: UInt32) -> [UInt8] {
    let digits = String(value, radix: 8)
    return Array(("\\" + String(repeating: "0", count: max(0, 3 - digits.count)) + digits).utf8)
  }
}

/// JSON as tree(1) has it: objects in objects.
private final class TreeJSON: TreeDrawing {
  private let output: Output
  /// For each open folder, whether it has contents already.
  private var hasContents: [Bool] = []
  private var isFirst = true

  private let hasReport: Bool

  init(_ output: Output, hasReport: Bool) {
    self.output = output
    self.hasReport = hasReport
  }

  func begin() throws { try output.write("[") }

  func node(_ node: TreeWalk.Node, named name: ArraySlice<UInt8>, target: [UInt8]?) throws {
    if let last = hasContents.last {
      try output.write(last ? ",\n" : ",\"contents\":[\n")
      hasContents[hasContents.count - 1] = true
    } else {
      try output.write(isFirst ? "\n" : ",\n")
      isFirst = false
    }
    try output.write(String(repeating: "  ", count: min(node.depth + 1, 64)))
    var members = [("type", JSONValue.string(Self.name(of: node.type)))] + NodeJSON.text("name", name)
    if let target { members += NodeJSON.text("target", target) }
    let text = JSONValue.object(members).line
    guard node.type == .directory else { return try output.write(text) }
    try output.write(String(text.dropLast()))
    hasContents.append(false)
  }

  func leave() throws {
    guard let had = hasContents.popLast() else { return }
    try output.write(had ? "\n" + String(repeating: "  ", count: min(hasContents.count + 1, 64)) + "]}" : "}")
  }

  func end(_ counts: TreeCounts) throws {
    guard hasReport else { return try output.write("\n]\n") }
    let report = JSONValue.object([
      ("type", .string("report")), ("directories", .number(UInt64(counts.folders))),
      ("files", .number(UInt64(counts.files))),
    ])
    try output.write((isFirst ? "\n" : "\n,\n") + "  \(report.line)\n]\n")
  }

  private static func name(of type: NodeType) -> String {
    switch type {
    case .symbolicLink: "link"
    case .characterDevice: "char"
    default: type.name
    }
  }
}
