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

  @OptionGroup var operand: ImageOperand

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

  @OptionGroup var sizes: SizeArguments

  @Flag(name: .customShort("m"), help: "In units of 1048576 bytes.")
  var mebibytes = false

  @Flag(help: "As -h, in powers of 1000.")
  var si = false

  @Flag(name: [.customShort("l"), .customLong("count-links")], help: "Count files as often as they have names.")
  var countLinks = false

  @Flag(name: [.customShort("S"), .customLong("separate-dirs")], help: "Folders without those in them.")
  var separateFolders = false

  @Flag(name: [.customShort("x"), .customLong("one-file-system")], help: "Only the volume that a path starts in.")
  var oneFileSystem = false

  @Flag(help: "Count files and folders, and not bytes.")
  var inodes = false

  @Option(
    name: [.customShort("t", allowingJoined: true), .customLong("threshold")],
    parsing: .unconditional,
    help: ArgumentHelp("Tell only of what takes this much; with - in front, no more.", valueName: "size"))
  var threshold: String?

  @OptionGroup var exclusion: ExclusionArgument

  @Flag(help: "How long files are, and not what they take.")
  var apparentSize = false

  @Flag(name: [.customShort("b"), .customLong("bytes")], help: "The same, in bytes.")
  var bytes = false

  @Flag(name: [.customShort("0"), .customLong("null")], help: "End lines with a NUL.")
  var null = false

  @OptionGroup var json: JSONArgument

  func validate() throws {
    if summarize && all { throw ValidationError("-s sums up, and -a tells of each file; give one of them.") }
    if let maximumDepth, maximumDepth < 0 { throw ValidationError("--max-depth takes 0 and more.") }
    if let threshold, DuThreshold(threshold) == nil {
      throw ValidationError("--threshold takes a size such as 10M or -1K, not \(Escaped.text(threshold)).")
    }
    if summarize, let maximumDepth, maximumDepth > 0 {
      throw ValidationError("-s is --max-depth 0; leave out one of them.")
    }
  }

  func run() throws {
    let opened = try operand.open()
    let output = Output()
    let problems = Problems(opened, output)
    var options = DuSums.Options()
    options.measure = inodes ? .count : apparentSize || bytes ? .apparentSize : .allocatedSize
    options.depth = summarize ? 0 : maximumDepth ?? .max
    options.tellsFiles = all
    options.countsLinks = countLinks
    options.separatesFolders = separateFolders
    options.staysInVolume = oneFileSystem
    options.exclusion = exclusion.exclusion
    var sums = DuSums(tree: opened.tree, options: options)
    let threshold = threshold.flatMap(DuThreshold.init)
    let unit = unit
    let array = json.isWanted ? try JSONArrayOutput(output) : nil
    func tell(_ size: UInt64, _ path: some Collection<UInt8>) throws {
      if let threshold, !threshold.includes(size) { return }
      if let array {
        try array.write(.object(NodeJSON.text("path", path) + [("size", .number(size))]))
      } else {
        try output.write(unit.text(size) + "\t")
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

  private var unit: SizeUnit {
    let unit = sizes.unit(si: si)
    // How many there are is told in ones, unless people are to read it.
    if inodes { return unit?.isHuman ?? false ? unit ?? .inOnes : .inOnes }
    return unit ?? .blocks(mebibytes ? 1 << 20 : bytes ? 1 : 1024, suffix: "")
  }
}

/// "10M": so much and more; "-10M": so much and less.
private struct DuThreshold {
  private let size: UInt64
  private let isMost: Bool

  init?(_ text: String) {
    isMost = text.first == "-"
    guard case .blocks(let size, suffix: _)? = SizeUnit(isMost ? String(text.dropFirst()) : text) else { return nil }
    self.size = size
  }

  func includes(_ size: UInt64) -> Bool { isMost ? size <= self.size : size >= self.size }
}

/// Sums of folders, each told when all in it has been counted.
private struct DuSums {
  enum Measure { case allocatedSize, apparentSize, count }

  struct Options {
    var measure = Measure.allocatedSize
    /// Levels below a path that are told.
    var depth = Int.max
    var tellsFiles = false
    /// Whether each name of a file counts.
    var countsLinks = false
    /// Whether a folder's sum is without those of the folders in it.
    var separatesFolders = false
    var staysInVolume = false
    var exclusion = Exclusion()
  }

  let tree: Tree
  let options: Options
  private(set) var total: UInt64 = 0
  private var seen = SeenLinks()
  /// Folders of earlier paths: what lies in two of them is counted once.
  private var counted: Set<UInt64> = []

  var hasOverflowed: Bool { seen.hasOverflowed }

  init(tree: Tree, options: Options) {
    self.tree = tree
    self.options = options
  }

  mutating func add(
    _ start: NodeFacts, at path: [UInt8], _ problems: Problems, _ tell: (UInt64, ArraySlice<UInt8>) throws -> Void
  ) throws {
    guard !isCounted(start, at: path) else { return }
    counted.insert(start.number)
    var walkOptions = TreeWalk.Options()
    walkOptions.reportsLeaving = true
    var walk = TreeWalk(of: tree, from: start, named: path, options: walkOptions)
    let volume = tree.volumeRoot(of: start.number)
    // The sums of the folders that are entered, from the start on.
    var open: [UInt64] = []
    func close(_ size: UInt64, isFolder: Bool) {
      if open.isEmpty || (isFolder && options.separatesFolders) {
        total = Self.sum(total, size)
      } else {
        open[open.count - 1] = Self.sum(open[open.count - 1], size)
      }
    }
    while let event = walk.next() {
      switch event {
      case .node(let node):
        guard let facts = node.facts else { continue }
        let isElsewhere = options.staysInVolume && tree.volumeRoot(of: node.number) != volume
        if isElsewhere || options.exclusion.covers(walk.path) {
          walk.skipContents()
          continue
        }
        if node.type == .directory {
          // A path within one that was counted before, or the other way round.
          if node.depth > 0 && counted.contains(node.number) {
            walk.skipContents()
            continue
          }
          open.append(size(facts.attributes))
        } else if options.countsLinks || seen.isNew(facts) {
          let size = size(facts.attributes)
          close(size, isFolder: false)
          if (options.tellsFiles && node.depth <= options.depth) || node.depth == 0 { try tell(size, walk.path[...]) }
        }
      case .left(let node):
        guard let size = open.popLast() else { continue }
        close(size, isFolder: true)
        if node.depth <= options.depth { try tell(size, walk.path[...]) }
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
    switch options.measure {
    case .allocatedSize: attributes.allocatedSize
    case .apparentSize: attributes.size
    case .count: 1
    }
  }

  private static func sum(_ first: UInt64, _ second: UInt64) -> UInt64 {
    let (sum, overflow) = first.addingReportingOverflow(second)
    return overflow ? .max : sum
  }
}
