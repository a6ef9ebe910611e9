public import ArgumentParser
internal import BlockDevices
public import Browsing
internal import DiskStack
internal import Glibc
internal import Logging
public import Mounting
internal import SystemPackage

struct Mount: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Mount an image or block device on a folder, read-only.",
    discussion: """
      A bare filesystem shows its files. A partitioned disk shows disk.raw, a folder pN and a file pN.raw for each \
      volume, and links by-label, by-uuid, by-partlabel and by-partuuid. Returns once the mount answers.
      """)

  @Argument(help: "A disk image or block device.", completion: .file())
  var image: String

  @Argument(help: "An empty folder.", completion: .directory)
  var mountpoint: String

  @Option(
    name: .customShort("o", allowingJoined: true),
    help: ArgumentHelp(
      "Options as mount(8), fuse(8) and the kernel's drivers take them, between commas; see vitrine-mount(1).",
      valueName: "options"))
  var options: [String] = []

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "Show this volume's files: a number, LABEL=, UUID=, PARTLABEL= or PARTUUID=.", valueName: "selector"))
  var partition: String?

  @OptionGroup var imageArguments: ImageArguments

  @Option(help: ArgumentHelp("Show a filesystem's files, or the disk with its volumes.", valueName: "filesystem|disk"))
  var view: MountOptions.View?

  @Flag(name: .shortAndLong, help: "Stay in the foreground; end with Ctrl-C.")
  var foreground = false

  @Option(help: ArgumentHelp("How file contents are passed on, to compare the two.", valueName: "splice|copy"))
  var reply: MountOptions.Reply?

  @Flag(help: "Print counters to standard error after unmounting.")
  var stats = false

  @Flag(name: [.customShort("r"), .customLong("read-only")], help: "Accepted: a mount is always read-only.")
  var readOnly = false

  @Flag(name: .shortAndLong, help: "Say what is mounted, and every warning.")
  var verbose = false

  func run() throws {
    let inherited = InheritedDescriptors()
    let options = try mountOptions()
    let point: MountPoint
    do {
      try MountError.checkSystem(options)
      point = try MountPoint(checking: mountpoint, allowsNonEmpty: options.allowsNonEmpty)
    } catch { throw failure(error) }
    let stack = try open(options)
    let tree: Tree
    do { tree = try Tree(showing: stack, view: options.view, volume: options.volume) } catch { throw failure(error) }
    for warning in Tree.warnings(about: stack) { Message.write("\(image): warning: \(warning)") }

    let destination = LogDestination()
    let log = Logger(label: image) { ServerLogHandler(label: $0, to: destination) }
    let source = (try? MountPoint.resolve(image)) ?? image
    let session = Session(showing: tree, at: point, options: options, sourceName: source, log: log)
    do { try session.mount() } catch { throw failure(error) }
    if verbose { Message.write("\(image): \(tree.kind) mounted on \(point.path)") }
    if foreground {
      defer { finish(session) }
      do { try session.serve() } catch { throw failure(error) }
    } else {
      try serveInBackground(session, log, to: destination, leaving: inherited)
    }
  }

  private func serveInBackground(
    _ session: Session, _ log: Logger, to destination: LogDestination, leaving inherited: InheritedDescriptors
  ) throws {
    let detachment: Detachment
    do { detachment = try Detachment.start(leaving: inherited) } catch {
      session.unmount()
      throw failure(error)
    }
    switch detachment {
    case .starter(let problem):
      // The mount is the server's now: nothing of it may be undone here as this process ends.
      if let problem {
        Message.write("\(image): \(problem)")
        _exit(ExitStatus.mountFailed.rawValue)
      }
      _exit(ExitStatus.success.rawValue)
    case .server(let readiness):
      let keeps = stats
      do {
        try session.serve {
          Readiness.leaveTerminal(keepingStandardError: keeps)
          if !keeps { destination.moveToSystem() }
          return readiness.report()
        }
      } catch {
        readiness.fail(error.text)
        log.error("\(error.text)")
        finish(session)
        _exit(ExitStatus.mountFailed.rawValue)
      }
      finish(session)
      _exit(ExitStatus.success.rawValue)
    }
  }

  private func finish(_ session: Session) {
    guard stats else { return }
    for line in session.counters.lines + IOStatistics.lines + ProcessStatistics.lines { Message.writeLine(line) }
  }

  private func mountOptions() throws -> MountOptions {
    var options = MountOptions()
    do {
      for list in self.options { try options.apply(list) }
      if let partition { try options.select(partition) }
    } catch { throw Failure("\(image): \(error.text)", .usage) }
    if let view { options.view = view }
    if let reply { options.reply = reply }
    imageArguments.apply(to: &options.image)
    return options
  }

  private func open(_ options: MountOptions) throws -> DiskStack {
    var opening = DiskStack.Options()
    opening.image = options.image
    opening.offset = options.offset
    opening.sizeLimit = options.sizeLimit
    opening.sectorSize = options.sectorSize
    opening.acceptsUnknownContents = options.view == .disk
    do { return try DiskStack(opening: FilePath(image), options: opening) } catch {
      throw Failure("\(image): \(error.text)", status: error.exitStatus)
    }
  }

  private func failure(_ error: MountError) -> Failure {
    switch error.kind {
    case .notPermitted: Failure("\(image): \(error.text)", .notPermitted)
    case .mountPoint, .busy, .notMounted, .system: Failure("\(image): \(error.text)", .mountFailed)
    }
  }

  private func failure(_ error: ViewError) -> Failure {
    switch error {
    case .usage(let text): Failure("\(image): \(text)", .usage)
    case .unreadable(let text, let cause): Failure("\(image): \(text)", ExitStatus(cause))
    case .unsupported(let text): Failure("\(image): \(text)", .notSupported)
    case .unknown(let text): Failure("\(image): \(text)", .data)
    }
  }
}

extension MountOptions.View: ExpressibleByArgument {}
extension MountOptions.Reply: ExpressibleByArgument {}
