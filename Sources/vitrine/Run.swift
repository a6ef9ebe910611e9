internal import ArgumentParser
internal import Browsing
internal import Bytes
internal import Glibc
internal import Logging
internal import Mounting

/// `vitrine run`: a mount for the length of one command.
struct Run: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Run a command while an image is mounted, and exit with its status.",
    usage: "vitrine run <image> [<options>] [--] <command> [<argument> ...]",
    discussion: """
      The mount is in a temporary folder, which the command finds in $VITRINE_MOUNT. It is gone when the command ends, \
      whatever way it ends.
      """)

  @OptionGroup var arguments: MountArguments

  @Flag(help: "Start the command in the mount.")
  var chdir = false

  @Flag(help: "Insist on a mount that nobody else sees, in a namespace of its own.")
  var `private` = false

  @Argument(help: "A disk image or block device.", completion: .file())
  var image: String

  @Argument(parsing: .postTerminator, help: "A program, found by $PATH, and its arguments.")
  var command: [String]

  func validate() throws {
    if command.isEmpty { throw ValidationError("Missing expected argument '<command>'") }
  }

  func run() throws {
    HostEnvironment.shareHeaps()
    let inherited = InheritedDescriptors()
    let options = try arguments.mountOptions(for: image)
    guard options.idleTimeout == nil else {
      throw Failure("\(image): option \"timeout\" has no place here: the command says how long the mount stays", .usage)
    }
    let run: CommandRun
    do {
      try MountError.checkSystem(options)
      run = try TemporaryMount.begin(isPrivate: self.private, leaving: inherited) {
        serve(on: $0, options, $1, $2)
      }
    } catch { throw Failure(image, error) }
    Glibc.exit(
      run.run(command, entering: chdir, lost: ExitStatus.mountFailed.rawValue) { Message.write("\(image): \($0)") })
  }

  private func serve(
    on folder: TemporaryFolder, _ options: MountOptions, _ readiness: Readiness, _ lifeline: Lifeline
  ) -> Never {
    do {
      let tree = try MountArguments.tree(of: image, options)
      let log = Logger(label: image) { ServerLogHandler(label: $0, to: LogDestination()) }
      let source = (try? MountPoint.resolve(image)) ?? image
      let session = Session(showing: tree, at: folder.point, options: options, sourceName: source, log: log)
      do throws(MountError) {
        EndSignals.hold()
        try folder.make()
        try session.mount()
        TemporaryMount.leaveTerminal()
        try session.serve(until: lifeline, onReady: { readiness.report() }, onEnd: { folder.remove() }) {
          Message.write("\(image): still in use\($0) as the command ended; unmounted nevertheless")
        }
      } catch {
        folder.remove()
        throw Failure(image, error)
      }
    } catch let failure as Failure {
      Message.write(failure.text)
      _exit(failure.status)
    } catch {
      Message.write("\(image): \(error)")
      _exit(ExitStatus.mountFailed.rawValue)
    }
    _exit(ExitStatus.success.rawValue)
  }
}
