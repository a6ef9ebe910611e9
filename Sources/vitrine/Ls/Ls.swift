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

  @Flag(name: .customShort("g"), help: "As -l, without the owner.")
  var withoutOwner = false

  @Flag(name: [.customShort("G"), .customLong("no-group")], help: "Without the group.")
  var withoutGroup = false

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

  @Flag(name: [.customShort("s"), .customLong("size")], help: "What each entry takes, in units of 1024 bytes.")
  var blocks = false

  @Flag(help: "As -h, in powers of 1000.")
  var si = false

  @Flag(
    name: [.customShort("F"), .customLong("classify")],
    help: "A mark behind names: / for folders, * for programs, @ for links, | for FIFOs, = for sockets.")
  var classify = false

  @Flag(help: "The same, but for *.")
  var fileType = false

  @Flag(name: .customShort("p"), help: "A slash behind the names of folders.")
  var slashes = false

  @Flag(name: .customShort("t"), help: "The latest first.")
  var byTime = false

  @Flag(name: .customShort("u"), help: "The time of the last access, in place of the last change.")
  var accessTime = false

  @Flag(name: .customShort("c"), help: "The time of the last change of the inode.")
  var changeTime = false

  @Option(
    help: ArgumentHelp("Times as full-iso, long-iso, iso, locale or +%Y-%m-%d tell them.", valueName: "style"))
  var timeStyle: TimeStyle?

  @Flag(name: .customShort("S"), help: "The largest first.")
  var bySize = false

  @Flag(name: .customShort("U"), help: "Unsorted, as the folder has them.")
  var unsorted = false

  @Flag(name: .customShort("f"), help: "The same, with -a.")
  var listed = false

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

  private var time: FolderOrder.Time { accessTime ? .accessed : changeTime ? .changed : .modified }

  private var isLong: Bool { long || numeric || fullTime || withoutOwner }

  private var order: FolderOrder {
    if unsorted || listed { return .listed }
    if bySize { return .bySize(reversed: reverse) }
    // Where no time is shown, it can only be meant for the order.
    return byTime || (time != .modified && !isLong)
      ? .byTime(time, reversed: reverse) : .byName(reversed: reverse)
  }

  private func options(for output: Output) -> LsOptions {
    var options = LsOptions()
    options.order = order
    options.hidden = all || listed ? .all : almostAll ? .almostAll : .none
    options.isRecursive = recursive && !directory
    options.listsFolders = !directory
    options.sizeUnit = si ? .human(base: 1000) : humanReadable ? .human(base: 1024) : nil
    options.showsInodes = inode
    options.showsBlocks = blocks
    options.showsOwner = !withoutOwner
    options.showsGroup = !withoutGroup
    options.time = time
    options.timeStyle = timeStyle ?? (fullTime ? .fullISO : .locale)
    options.marks = classify ? .all : fileType ? .types : slashes ? .folders : .none
    options.isJSON = json
    options.isTerminal = output.isTerminal
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
