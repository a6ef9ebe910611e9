internal import ArgumentParser
internal import Browsing
internal import Bytes
internal import FileSystems

/// `vitrine ls`: what is in folders of an image, as ls(1) lists it.
struct Ls: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ls",
    abstract: "List folders of an image, without mounting it.",
    discussion: """
      Paths are written as in a mount: /etc in a bare filesystem, /p2/etc or /by-label/root/etc in a disk. Owners are \
      shown by number, and names are sorted byte by byte.
      """,
    helpNames: .long)

  @Argument(help: "A disk image or block device.", completion: .file())
  var image: String

  @Argument(help: ArgumentHelp("What to list.", valueName: "path"))
  var paths: [ImagePath] = []

  @Flag(name: .customShort("l"), help: "Mode, links, owner, group, size and time of each entry.")
  var long = false

  @Flag(name: .customShort("n"), help: "The same as -l: owners always are numbers.")
  var numeric = false

  @Flag(name: [.customShort("R"), .customLong("recursive")], help: "Folders in folders, too.")
  var recursive = false

  @Flag(name: [.customShort("a"), .customLong("all")], help: "Also names that begin with a dot.")
  var all = false

  @Flag(name: [.customShort("A"), .customLong("almost-all")], help: "The same, but for . and ..")
  var almostAll = false

  @Flag(name: [.customShort("d"), .customLong("directory")], help: "Folders themselves, and not what is in them.")
  var directory = false

  @Flag(name: [.customShort("h"), .customLong("human-readable")], help: "Sizes as 1.5K, 20M, 3G.")
  var humanReadable = false

  @Flag(name: [.customShort("i"), .customLong("inode")], help: "The inode number of each entry.")
  var inode = false

  @Flag(name: .customShort("1"), help: "One entry a line.")
  var single = false

  @Flag(name: .customShort("C"), help: "Columns, also where the output is no terminal.")
  var columns = false

  @Flag(name: .customShort("p"), help: "A slash behind the names of folders.")
  var slashes = false

  @Flag(name: .customShort("t"), help: "The latest first.")
  var byTime = false

  @Flag(name: .customShort("S"), help: "The largest first.")
  var bySize = false

  @Flag(name: .customShort("U"), help: "Unsorted, as the folder has them.")
  var unsorted = false

  @Flag(name: [.customShort("r"), .customLong("reverse")], help: "The other way round.")
  var reverse = false

  @Flag(help: "As -l, with the whole time.")
  var fullTime = false

  @Flag(help: "Print JSON: an object for each folder.")
  var json = false

  @Option(help: ArgumentHelp("Colour names: auto (on a terminal), always or never.", valueName: "when"))
  var color = ColorChoice.auto

  @OptionGroup var browse: BrowseArguments

  func run() throws {
    let opened = try browse.open(image)
    let output = Output()
    let problems = Problems(opened, output)
    let listing = LsListing(options: options(for: output), tree: opened.tree, output: output, problems: problems)
    try listing.list(paths.isEmpty ? [ImagePath.root.bytes] : paths.map(\.bytes))
    try problems.finish()
  }

  private var order: FolderOrder {
    if unsorted { return .listed }
    if bySize { return .bySize(reversed: reverse) }
    return byTime ? .byTime(.modified, reversed: reverse) : .byName(reversed: reverse)
  }

  private func options(for output: Output) -> LsOptions {
    var options = LsOptions()
    options.order = order
    options.hidden = all ? .all : almostAll ? .almostAll : .none
    options.isRecursive = recursive && !directory
    options.listsFolders = !directory
    options.isHumanReadable = humanReadable
    options.showsInodes = inode
    options.showsFullTime = fullTime
    options.marksFolders = slashes
    options.isJSON = json
    options.isTerminal = output.isTerminal
    let isLong = long || numeric || fullTime
    options.format = isLong ? .long : single ? .single : columns || output.isTerminal ? .columns : .single
    let width = HostEnvironment.value(of: "COLUMNS").flatMap { Int($0) } ?? HostEnvironment.terminalWidth ?? 80
    options.width = max(width, 3)
    if !json && color.applies(onTerminal: output.isTerminal) { options.colors = LsColors() }
    return options
  }
}

extension ColorChoice {
  /// Whether to colour, where only a terminal shows colours.
  func applies(onTerminal isTerminal: Bool) -> Bool {
    switch self {
    case .always: true
    case .never: false
    case .auto:
      isTerminal && HostEnvironment.value(of: "NO_COLOR") == nil && HostEnvironment.value(of: "TERM") != "dumb"
    }
  }
}

/// What a listing is to look like.
struct LsOptions {
  enum Format { case long, columns, single }
  enum Hidden { case none, almostAll, all }

  var format = Format.single
  var hidden = Hidden.none
  var order = FolderOrder.byName()
  var isRecursive = false
  var listsFolders = true
  var isHumanReadable = false
  var showsInodes = false
  var showsFullTime = false
  /// Whether a slash stands behind the names of folders.
  var marksFolders = false
  var isJSON = false
  var isTerminal = false
  /// Columns of the terminal.
  var width = 80
  var colors: LsColors?

  /// Whether more than names and types has to be known.
  var needsFacts: Bool { format == .long || isJSON || colors != nil }

  /// What stands behind the name of a node.
  func indicator(_ type: NodeType?) -> String { marksFolders && type == .directory ? "/" : "" }
}
