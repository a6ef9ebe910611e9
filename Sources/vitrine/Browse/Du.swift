internal import ArgumentParser
internal import Browsing
internal import Bytes
internal import FileSystems

/// `vitrine du`: what files and folders take.
struct Du: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "du",
    abstract: "Sum up what files in an image take, without mounting it.",
    discussion: "Files with several names are counted once.",
    helpNames: .long)

  @Argument(help: "A disk image or block device.", completion: .file())
  var image: String

  @Argument(help: ArgumentHelp("What to sum up.", valueName: "path"))
  var paths: [ImagePath] = []

  @Flag(name: [.customShort("s"), .customLong("summarize")], help: "Only the sum of each path.")
  var summarize = false

  @Flag(name: [.customShort("a"), .customLong("all")], help: "Each file, too, and not only folders.")
  var all = false

  @Flag(name: [.customShort("c"), .customLong("total")], help: "The sum of all paths at the end.")
  var total = false

  @Option(
    name: [.customShort("d", allowingJoined: true), .customLong("max-depth")],
    help: ArgumentHelp("Only so many levels below each path are told of.", valueName: "depth"))
  var maximumDepth: Int?

  @Flag(name: [.customShort("h"), .customLong("human-readable")], help: "Sizes as 1.5K, 20M, 3G.")
  var humanReadable = false

  @Flag(name: .customShort("k"), help: "In units of 1024 bytes, which they are in anyway.")
  var kibibytes = false

  @Flag(name: .customShort("m"), help: "In units of 1048576 bytes.")
  var mebibytes = false

  @Flag(help: "How long files are, and not what they take.")
  var apparentSize = false

  @Flag(name: [.customShort("b"), .customLong("bytes")], help: "The same, in bytes.")
  var bytes = false

  @Flag(name: [.customShort("0"), .customLong("null")], help: "End lines with a NUL.")
  var null = false

  @Flag(help: "Print JSON, with sizes in bytes.")
  var json = false

  @OptionGroup var browse: BrowseArguments

  func validate() throws {
    if summarize && all { throw ValidationError("-s sums up, and -a tells of each file; give one of them.") }
    if let maximumDepth, maximumDepth < 0 { throw ValidationError("--max-depth takes 0 and more.") }
    if summarize, let maximumDepth, maximumDepth > 0 {
      throw ValidationError("-s is --max-depth 0; leave out one of them.")
    }
  }

  func run() throws {
    let opened = try browse.open(image)
    let output = Output()
    let problems = Problems(opened, output)
    var sums = DuSums(
      tree: opened.tree, countsApparentSize: apparentSize || bytes, depth: summarize ? 0 : maximumDepth ?? .max,
      tellsFiles: all)
    let array = json ? try JSONArrayOutput(output) : nil
    func tell(_ size: UInt64, _ path: some Collection<UInt8>) throws {
      if let array {
        try array.write(.object(NodeJSON.text("path", path) + [("size", .number(size))]))
      } else {
        try output.write(text(size) + "\t")
        try output.write(path)
        try output.write(CollectionOfOne(null ? 0 : UInt8(ascii: "\n")))
      }
    }
    for path in paths.isEmpty ? [.root] : paths {
      do {
        let start = try opened.tree.node(at: path.bytes, followsLast: false)
        try sums.add(start, at: path.bytes, problems, tell)
      } catch let error as ReadError { try problems.report(error, at: path.bytes) }
    }
    if total { try tell(sums.total, "total".utf8) }
    try array?.finish()
    if sums.hasOverflowed {
      try problems.report(
        "more than \(SeenLinks.limit) files have further names elsewhere; some of them are counted more than once",
        at: "/".utf8, .notSupported)
    }
    try problems.finish()
  }

  private func text(_ size: UInt64) -> String {
    if humanReadable { return HumanSize.text(size) }
    if mebibytes { return "\(HumanSize.units(size, of: 1 << 20))" }
    return bytes && !kibibytes ? "\(size)" : "\(HumanSize.units(size, of: 1024))"
  }
}

/// Sums of folders, each told when all in it has been counted.
private struct DuSums {
  let tree: Tree
  let countsApparentSize: Bool
  /// Levels below a path that are told.
  let depth: Int
  let tellsFiles: Bool
  private(set) var total: UInt64 = 0
  private var seen = SeenLinks()
  /// Folders of earlier paths: what lies in two of them is counted once.
  private var counted: Set<UInt64> = []

  var hasOverflowed: Bool { seen.hasOverflowed }

  init(tree: Tree, countsApparentSize: Bool, depth: Int, tellsFiles: Bool) {
    self.tree = tree
    self.countsApparentSize = countsApparentSize
    self.depth = depth
    self.tellsFiles = tellsFiles
  }

  mutating func add(
    _ start: NodeFacts, at path: [UInt8], _ problems: Problems, _ tell: (UInt64, ArraySlice<UInt8>) throws -> Void
  ) throws {
    guard !isCounted(start, at: path) else { return }
    counted.insert(start.number)
    var options = TreeWalk.Options()
    options.reportsLeaving = true
    var walk = TreeWalk(of: tree, from: start, named: path, options: options)
    // The sums of the folders that are entered, from the start on.
    var open: [UInt64] = []
    func close(_ size: UInt64) {
      if open.isEmpty {
        total = Self.sum(total, size)
      } else {
        open[open.count - 1] = Self.sum(open[open.count - 1], size)
      }
    }
    while let event = walk.next() {
      switch event {
      case .node(let node):
        guard let facts = node.facts else { continue }
        if node.type == .directory {
          // A path within one that was counted before, or the other way round.
          if node.depth > 0 && counted.contains(node.number) {
            walk.skipContents()
            continue
          }
          open.append(size(facts.attributes))
        } else if seen.isNew(facts) {
          let size = size(facts.attributes)
          close(size)
          if (tellsFiles && node.depth <= depth) || node.depth == 0 { try tell(size, walk.path[...]) }
        }
      case .left(let node):
        guard let size = open.popLast() else { continue }
        close(size)
        if node.depth <= depth { try tell(size, walk.path[...]) }
      case .failed(let error): try problems.report(error, at: walk.path)
      }
    }
  }

  /// Whether a path leads to something within an earlier one.
  private func isCounted(_ start: NodeFacts, at path: [UInt8]) -> Bool {
    guard !counted.isEmpty else { return false }
    var folder = start.number
    if start.attributes.type != .directory {
      guard !counted.contains(folder) else { return true }
      let end = path.lastIndex(of: UInt8(ascii: "/")) ?? 0
      guard let parent = try? tree.node(at: path[..<end] + [UInt8(ascii: "/")]) else { return false }
      folder = parent.number
    }
    // A damaged folder may name any other as the one it lies in.
    for _ in 0..<Self.deepest {
      if counted.contains(folder) { return true }
      guard let parent = try? tree.parent(of: folder), parent != folder else { return false }
      folder = parent
    }
    return false
  }

  private static let deepest = 1 << 16

  private func size(_ attributes: Attributes) -> UInt64 {
    countsApparentSize ? attributes.size : attributes.allocatedSize
  }

  private static func sum(_ first: UInt64, _ second: UInt64) -> UInt64 {
    let (sum, overflow) = first.addingReportingOverflow(second)
    return overflow ? .max : sum
  }
}
