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

  @OptionGroup var operand: ImageOperand

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

  @OptionGroup var selection: LsSelection

  @Flag(name: [.customShort("h"), .customLong("human-readable")], help: "Sizes as 1.5K, 20M, 3G.")
  var humanReadable = false

  @Flag(name: [.customShort("i"), .customLong("inode")], help: "The inode number of each entry.")
  var inode = false

  @Flag(name: .customShort("1"), help: "One entry a line.")
  var single = false

  @Flag(name: .customShort("C"), help: "Columns, also where the output is no terminal.")
  var columns = false

  @Flag(name: .customShort("x"), help: "The same, line by line.")
  var across = false

  @Option(
    name: [.customShort("w", allowingJoined: true), .customLong("width")],
    help: ArgumentHelp("Columns of the output; 0 for no end.", valueName: "columns"))
  var width: Int?

  @Flag(name: [.customShort("N"), .customLong("literal")], help: "Names are not quoted on a terminal.")
  var literal = false

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

  @OptionGroup var sorting: LsSorting

  @Option(
    help: ArgumentHelp("Times as full-iso, long-iso, iso, locale or +%Y-%m-%d tell them.", valueName: "style"))
  var timeStyle: TimeStyle?

  @Flag(help: "As -l, with the whole time.")
  var fullTime = false

  @OptionGroup var json: JSONArgument

  @OptionGroup var color: ColorArgument

  func run() throws {
    let opened = try operand.open()
    let output = Output()
    let problems = Problems(opened, output)
    let listing = LsListing(options: options(for: output), tree: opened.tree, output: output, problems: problems)
    try listing.list(paths.isEmpty ? [ImagePath.root.bytes] : paths.map(\.bytes))
    try problems.finish()
  }

  func validate() throws {
    if let width, width < 0 { throw ValidationError("A line has 0 columns or more, not \(width).") }
  }

  private var isLong: Bool { long || numeric || fullTime || withoutOwner }

  private func options(for output: Output) -> LsOptions {
    var options = LsOptions()
    options.order = sorting.order(showsTime: isLong)
    options.filter = selection.filter(tellsAll: sorting.isAll)
    options.isRecursive = selection.recursive && !selection.directory
    options.listsFolders = !selection.directory
    options.sizeUnit = si ? .human(base: 1000) : humanReadable ? .human(base: 1024) : nil
    options.showsInodes = inode
    options.showsBlocks = blocks
    options.showsOwner = !withoutOwner
    options.showsGroup = !withoutGroup
    options.time = sorting.time
    options.timeStyle = timeStyle ?? (fullTime ? .fullISO : .locale)
    options.marks = classify ? .all : fileType ? .types : slashes ? .folders : .none
    options.isJSON = json.isWanted
    options.isTerminal = output.isTerminal
    options.quotesNames = !literal
    options.isAcross = across
    options.format = isLong ? .long : single ? .single : columns || across || output.isTerminal ? .columns : .single
    // Where entries are told for themselves, so are links that are named.
    let isOfEntries = isLong || selection.directory || classify
    options.followed = selection.followed ?? (isOfEntries ? .none : .foldersThatAreNamed)
    let ofEnvironment = HostEnvironment.value(of: "COLUMNS").flatMap { Int($0) }.flatMap { $0 < 0 ? nil : $0 }
    options.width = width ?? ofEnvironment ?? HostEnvironment.terminalWidth ?? 80
    if !json.isWanted && color.applies(onTerminal: output.isTerminal) { options.colors = LsColors() }
    return options
  }
}
