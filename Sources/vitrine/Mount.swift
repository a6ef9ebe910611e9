internal import ArgumentParser
internal import BlockDevices
internal import Browsing
internal import Bytes
internal import Glibc
internal import Logging
internal import Mounting

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

  @OptionGroup var arguments: MountArguments

  @Flag(name: .shortAndLong, help: "Stay in the foreground; end with Ctrl-C.")
  var foreground = false

  @Flag(help: "Make the mount point where it is missing; it goes with the mount.")
  var mkdir = false

  @Option(
    help: ArgumentHelp(
      "Write a newline to this file descriptor when the mount answers, and close it.", valueName: "number"))
  var readyFd: Int?

  @Option(
    help: ArgumentHelp("Write the server's process number to this file while it serves.", valueName: "file"),
    completion: .file())
  var pidFile: String?

  @Flag(help: "Print counters to standard error after unmounting.")
  var stats = false

  @Flag(name: [.customShort("r"), .customLong("read-only")], help: "Accepted: a mount is always read-only.")
  var readOnly = false

  @Flag(name: .shortAndLong, help: "Say what is mounted, and every warning.")
  var verbose = false

  func run() throws {
    HostEnvironment.shareHeaps()
    let manager = ServiceManager.takeFromEnvironment()
    do { try mount(telling: manager) } catch let failure as Failure {
      manager?.failed(failure.text)
      throw failure
    }
  }

  private func mount(telling manager: ServiceManager?) throws {
    var inherited = InheritedDescriptors()
    let options = try arguments.mountOptions(for: image)
    let descriptor: ReadyDescriptor?
    do { descriptor = try readyFd.map { number throws(MountError) in try ReadyDescriptor(number) } } catch {
      throw Failure(error.text, .usage)
    }
    if let descriptor { inherited.keep(descriptor) }
    let file: ProcessFile?
    do {
      file = try pidFile.map { path throws(MountError) in try ProcessFile(at: path) }
      try MountError.checkSystem(options)
      // Before the image is looked at, which can take longer.
      if !mkdir { _ = try MountPoint(checking: mountpoint, allowsNonEmpty: options.allowsNonEmpty) }
    } catch { throw Failure(image, error) }
    let tree = try MountArguments.tree(of: image, options)

    EndSignals.hold()
    let point: MountPoint
    var folders = MadeFolders()
    do {
      if mkdir { folders = try MadeFolders(making: mountpoint) }
      point = try MountPoint(checking: mountpoint, allowsNonEmpty: options.allowsNonEmpty)
    } catch {
      folders.remove()
      throw Failure(image, error)
    }
    let destination = LogDestination()
    let log = Logger(label: image) { ServerLogHandler(label: $0, to: destination) }
    let source = (try? MountPoint.resolve(image)) ?? image
    let announcement = Announcement(
      of: "\(source) on \(point.path)", descriptor: descriptor, file: file, manager: manager, folders: folders)
    let session = Session(showing: tree, at: point, options: options, sourceName: source, log: log)
    do { try session.mount() } catch {
      announcement.ended(isServing: false)
      throw Failure(image, error)
    }
    if verbose { Message.write("\(image): \(tree.kind) mounted on \(point.path)") }
    if foreground {
      try serve(session, announcement, log)
    } else {
      try serveInBackground(session, announcement, log, to: destination, leaving: inherited)
    }
  }

  private func serve(_ session: Session, _ announcement: Announcement, _ log: Logger) throws {
    let failure = FirstFailure()
    do throws(MountError) {
      try session.serve {
        do throws(MountError) { try announcement.ready(isLast: true) } catch {
          failure.keep(error)
          return false
        }
        return true
      } onEnd: { _ in
        announcement.ended(isServing: true)
        finish(session)
      }
    } catch { failure.keep(error) }
    if let error = failure.error { throw Failure(image, error) }
  }

  private func serveInBackground(
    _ session: Session, _ announcement: Announcement, _ log: Logger, to destination: LogDestination,
    leaving inherited: InheritedDescriptors
  ) throws {
    let detachment: Detachment
    do {
      detachment = try Detachment.start(leaving: inherited) {
        session.leave()
      } serving: { readiness in
        serveDetached(session, announcement, log, to: destination, readiness)
      }
    } catch {
      session.unmount()
      announcement.ended(isServing: false)
      throw Failure(image, error)
    }
    switch detachment {
    case .starter(let server, let problem):
      // The mount is the server's now: nothing of it may be undone here as this process ends.
      if let problem {
        Message.write("\(image): \(problem)")
        announcement.failed("\(image): \(problem)")
        _exit(ExitStatus.mountFailed.rawValue)
      }
      announcement.tellManager(server: server)
      _exit(ExitStatus.success.rawValue)
    case .interrupted(let signal):
      EndSignals.end(by: signal)
    }
  }

  private func serveDetached(
    _ session: Session, _ announcement: Announcement, _ log: Logger, to destination: LogDestination,
    _ readiness: Readiness
  ) -> Never {
    let keeps = stats
    // Ends here, while the mount's mark still stands: who waits for the release waits for all of this.
    func end(_ failure: MountError?) -> Never {
      if let failure {
        readiness.fail(failure.text)
        log.error("\(failure.text)")
      }
      announcement.ended(isServing: failure == nil)
      finish(session)
      _exit((failure == nil ? ExitStatus.success : .mountFailed).rawValue)
    }
    do throws(MountError) {
      try session.serve {
        do throws(MountError) { try announcement.ready(isLast: false) } catch {
          readiness.fail(error.text)
          return false
        }
        Readiness.leaveTerminal(keepingStandardError: keeps)
        if !keeps { destination.moveToSystem() }
        return readiness.report()
      } onEnd: {
        end($0)
      }
    } catch { end(error) }
    end(nil)
  }

  private func finish(_ session: Session) {
    guard stats else { return }
    for line in session.counters.lines + IOStatistics.lines + ProcessStatistics.lines { Message.writeLine(line) }
  }
}
