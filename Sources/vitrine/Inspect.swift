internal import ArgumentParser
internal import Bytes
internal import DiskStack
internal import SystemPackage
internal import Volumes

/// `vitrine inspect`: what an image holds, layer by layer.
struct Inspect: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect",
    abstract: "Show the layers of a disk image: partition table, volumes, filesystems.",
    discussion: """
      Prints a tree for people, or with --json an object for programs. Nothing is mounted, and the image is only read.
      """)

  @Argument(help: "A disk image or a block device.", completion: .file())
  var image: String

  @OptionGroup var json: JSONArgument

  @OptionGroup var color: ColorArgument

  @Option(
    name: [.short, .long],
    help: ArgumentHelp(
      "Show only this volume: its number, or LABEL=, UUID=, PARTLABEL= or PARTUUID= and a value.",
      valueName: "volume"))
  var partition: SelectorArgument?

  @OptionGroup var imageArguments: ImageArguments

  @Option(help: ArgumentHelp("Start of the disk in the image.", valueName: "bytes"))
  var offset: UInt64 = 0

  @Option(help: ArgumentHelp("Size of the disk in the image.", valueName: "bytes"))
  var sizelimit: UInt64?

  @Option(help: ArgumentHelp("Logical sector size, where it is not found out right.", valueName: "bytes"))
  var sectorSize: Int?

  @Flag(name: [.short, .long], help: "Print sizes in bytes.")
  var bytes = false

  func validate() throws {
    guard let sectorSize else { return }
    guard DiskStack.Options.isSectorSize(sectorSize) else {
      throw ValidationError("A sector has 512, 1024, 2048, 4096 … 65536 bytes, not \(sectorSize).")
    }
  }

  func run() throws {
    var options = DiskStack.Options()
    options.offset = offset
    options.sizeLimit = sizelimit
    options.sectorSize = sectorSize
    imageArguments.apply(to: &options.image)
    let report: InspectReport
    do {
      let stack = try DiskStack(opening: FilePath(image), options: options)
      report = InspectReport(
        of: stack, options: options,
        only: try partition.map { selector throws(StackError) in
          try stack.volume(matching: selector.selector)
        })
    } catch {
      throw Failure("\(Escaped.text(image)): \(error.text)", status: error.exitStatus)
    }
    try output(json.isWanted ? InspectJSON.text(of: report) : InspectTree(style: style).text(of: report))
    // What there is of a table cannot be used: said in the output, and by the status.
    if report.stack.table?.type == "PMBR" { throw ExitCode(ExitStatus.data.rawValue) }
  }

  private var style: InspectTree.Style {
    let isTerminal = HostEnvironment.standardOutputIsTerminal
    let width = HostEnvironment.value(of: "COLUMNS").flatMap { Int($0) } ?? HostEnvironment.terminalWidth ?? 100
    return InspectTree.Style(
      usesColor: color.applies(onTerminal: isTerminal)
        && HostEnvironment.value(of: "TERM") != "dumb",
      usesUnicode: HostEnvironment.isUTF8, width: min(max(width, 60), 100), exactSizes: bytes)
  }

  private func output(_ text: String) throws {
    do {
      _ = try FileDescriptor.standardOutput.writeAll(text.utf8)
    } catch {
      throw Failure("cannot write the output: \(error)", .io)
    }
  }
}

/// A `VolumeSelector` as an argument.
struct SelectorArgument: ExpressibleByArgument {
  let selector: VolumeSelector

  init?(argument: String) {
    guard let selector = VolumeSelector(argument) else { return nil }
    self.selector = selector
  }
}
