internal import ArgumentParser
internal import Browsing
internal import Bytes
internal import Copying
internal import FileSystems
internal import SystemPackage

/// `vitrine cp`: copies out of an image.
struct Cp: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cp",
    abstract: "Copy files and folders out of an image, without mounting it.",
    usage: "vitrine cp [<options>] <image>:<path> ... <destination>",
    discussion: """
      Holes stay holes. A file gets its name when it is whole, and nothing outside of the destination is touched, \
      whatever the image holds. With - as the destination, an archive as of "vitrine tar" goes to standard output.
      """)

  @Argument(
    help: ArgumentHelp(
      "An image, a colon and a path in it, any number of times; then where to copy it: a folder, a new name or -.",
      valueName: "image:path ... destination"),
    completion: .file())
  var operands: [String]

  @Flag(
    name: [.customShort("r"), .customShort("R"), .customLong("recursive")], help: "Folders with all that is in them.")
  var recursive = false

  @Flag var manners: [CopyManner] = []

  @Flag(
    name: [.customShort("p"), .customLong("preserve")],
    help: "Keep modes, times, extended attributes, access lists, and owners where that is permitted.")
  var preserve = false

  @Flag(name: [.customShort("n"), .customLong("no-clobber")], help: "Leave alone what is there already.")
  var noClobber = false

  @Flag(
    name: [.customShort("u"), .customLong("update")],
    help: "Leave alone what is there and was not changed before what is to be copied.")
  var update = false

  @Flag(name: [.customShort("f"), .customLong("force")], help: "Accepted: files are replaced, and never written to.")
  var force = false

  @Option(
    name: [.customShort("t", allowingJoined: true), .customLong("target-directory")],
    help: ArgumentHelp("Copy into this folder: there is no destination behind the rest then.", valueName: "folder"),
    completion: .directory)
  var targetDirectory: String?

  @Flag(name: [.customShort("T"), .customLong("no-target-directory")], help: "The destination is the copy's own name.")
  var noTargetDirectory = false

  @Flag(name: [.customShort("v"), .customLong("verbose")], help: "Say what is copied.")
  var verbose = false

  @Flag(name: [.customShort("q"), .customLong("quiet")], help: "Do not show how far the copy is.")
  var quiet = false

  @OptionGroup var browse: BrowseArguments

  func validate() throws {
    guard operands.count >= (targetDirectory == nil ? 2 : 1) else {
      throw ValidationError(
        "Give an image with a path in it, and then where to copy that, as disk.img:/etc/fstab /tmp.")
    }
    guard noTargetDirectory else { return }
    if targetDirectory != nil { throw ValidationError("-t names a folder to copy into, and -T says there is none.") }
    if operands.count > 2 { throw ValidationError("With -T there is one thing to copy only.") }
  }

  func run() throws {
    let sources = try (targetDirectory == nil ? operands.dropLast() : operands[...]).map { operand in
      guard let reference = ImageReference(operand) else {
        throw Failure("\(Escaped.text(operand)): no path is given; write \(Escaped.text(operand)):/PATH", .usage)
      }
      return reference
    }
    let destination = targetDirectory ?? operands.last ?? ""
    if destination == "-" && targetDirectory == nil { return try writeArchive(of: sources) }
    let target = RawArguments.bytes(of: destination)
    let isInto = !noTargetDirectory && HostPath.kind(target) == .folder
    if !isInto && targetDirectory != nil {
      throw Failure("\(Escaped.text(target)): is no folder to copy into", .cannotCreate)
    }
    if !isInto && sources.count > 1 {
      throw Failure(
        "\(Escaped.text(target)): is no folder, and there are several things to copy into it", .cannotCreate)
    }
    try run(sources, to: target, isInto: isInto, copyOptions)
  }

  private var copyOptions: CopyOptions {
    let archive = manners.contains(.archive)
    var options = CopyOptions()
    options.isRecursive = recursive || archive
    options.keepsAttributes = preserve || archive
    options.keepsLinks = archive || manners.contains(.linksAsSuch)
    // The last one counts; without any, links are what they are where whole folders are copied.
    switch manners.last {
    case nil: options.keepsSymbolicLinks = options.isRecursive
    case .archive, .linksAsSuch, .followingNone: options.keepsSymbolicLinks = true
    case .followingNamed: break
    case .followingAll: options.followsLinks = true
    }
    options.existing = noClobber ? .kept : update ? .keptUnlessOlder : .replaced
    return options
  }

  private func run(_ sources: [ImageReference], to target: [UInt8], isInto: Bool, _ options: CopyOptions) throws {
    let images = try OpenedImages(sources, browse)
    Interruption.note()
    var options = options
    options.mask = FileMask.takeAway()
    let (folder, lastName) = isInto ? (target, nil) : HostPath.split(target)
    let destination: CopyDestination
    do { destination = try CopyDestination(folder) } catch {
      throw Failure("\(Escaped.text(folder)): cannot copy there: \(error)", .cannotCreate)
    }
    if !isInto && lastName == nil {
      throw Failure("\(Escaped.text(target)): cannot copy there: \(Errno.noSuchFileOrDirectory)", .cannotCreate)
    }
    let report = CopyReport(isVerbose: verbose, isIntoCurrentFolder: folder == [UInt8(ascii: ".")] && !isInto)
    let starts = sources.map { images.start($0, followsLast: !options.keepsSymbolicLinks, report) }
    if !isInto { for start in starts.compactMap(\.self) { try check(target, for: start.facts) } }
    if !quiet && Progress.isShown {
      report.progress = Progress(total: CopySize(of: starts.compactMap(\.self), options).bytes)
    }
    var copies: [String: TreeCopy] = [:]
    do {
      for (source, start) in zip(sources, starts) {
        guard let start else { continue }
        report.image = start.image.name
        let copy = copies[source.image] ?? TreeCopy(of: start.image.tree, options: options, observer: report)
        copies[source.image] = copy
        let name = isInto ? HostPath.split(source.path).name : lastName
        try copy.copy(start.facts, from: source.path, as: name, into: destination)
      }
    } catch { report.end(error) }
    report.progress?.finish()
    for notice in copies.values.flatMap(\.notices) { Message.write("warning: \(notice)") }
    copies.removeAll()
    Interruption.obey()
    if report.status != .success { throw ExitCode(report.status.rawValue) }
  }

  /// Whether something of that kind can have the name that is given for it.
  private func check(_ target: [UInt8], for facts: NodeFacts) throws {
    // With a slash behind it, it is the name of a folder only: a file of that name is not what was meant.
    if target.last == UInt8(ascii: "/"), facts.attributes.type != .directory {
      throw Failure("\(Escaped.text(target)): is no folder to copy into", .cannotCreate)
    }
    if facts.attributes.type == .regular, HostPath.leadsToStream(target) {
      throw Failure(
        "\(Escaped.text(target)): is no file, and would be replaced by one; to write into it, use vitrine cat",
        .cannotCreate)
    }
  }

  private func writeArchive(of sources: [ImageReference]) throws {
    try ArchiveTarget.refuseTerminal()
    let images = Set(sources.map(\.image))
    guard images.count == 1, let image = images.first else {
      throw Failure("an archive can be made of one image at a time", .usage)
    }
    let members = sources.map { ArchiveMember(path: $0.path, name: HostPath.split($0.path).name ?? []) }
    try ArchiveMember.write(members, of: browse.open(image), to: "-", isVerbose: verbose)
  }
}

/// What of links is kept and which of them are followed: of those that are given, the last one counts for symbolic links.
enum CopyManner: EnumerableFlag {
  case archive, linksAsSuch, followingNone, followingNamed, followingAll

  static func name(for value: Self) -> NameSpecification {
    switch value {
    case .archive: [.customShort("a"), .customLong("archive")]
    case .linksAsSuch: .customShort("d")
    case .followingNone: [.customShort("P"), .customLong("no-dereference")]
    case .followingNamed: .customShort("H")
    case .followingAll: [.customShort("L"), .customLong("dereference")]
    }
  }

  static func help(for value: Self) -> ArgumentHelp? {
    switch value {
    case .archive: "Keep everything: -r, -p and -d, and hard links as such."
    case .linksAsSuch: "Copy symbolic links themselves, and keep hard links."
    case .followingNone: "Copy symbolic links themselves, as -r, -a and -d do."
    case .followingNamed: "Follow the symbolic links that are named, within the image, and no others."
    case .followingAll: "Follow all symbolic links, within the image: copy what they lead to."
    }
  }
}

/// The images that sources lie in, each opened once.
struct OpenedImages {
  private var images: [String: BrowsedImage] = [:]

  struct Start {
    let image: BrowsedImage
    let facts: NodeFacts
  }

  init(_ sources: [ImageReference], _ browse: BrowseArguments) throws {
    for source in sources where images[source.image] == nil { images[source.image] = try browse.open(source.image) }
  }

  /// What a source is; nil where it is nothing, which has been said then.
  func start(_ source: ImageReference, followsLast: Bool, _ report: CopyReport) -> Start? {
    guard let image = images[source.image] else { return nil }
    report.image = image.name
    do throws(ReadError) {
      return Start(image: image, facts: try image.tree.node(at: source.path, followsLast: followsLast))
    } catch {
      report.failed(.reading(error), at: source.path) { [] }
      return nil
    }
  }
}
