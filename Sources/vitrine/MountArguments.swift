public import ArgumentParser
internal import DiskImages
internal import DiskStack
public import Browsing
internal import Mounting
internal import SystemPackage

/// The options of commands that mount an image: what is shown of it, and how.
struct MountArguments: ParsableArguments {
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

  @Option(help: ArgumentHelp("How file contents are passed on, to compare the two.", valueName: "splice|copy"))
  var reply: MountOptions.Reply?

  /// All of them, as a mount takes them.
  func mountOptions(for image: String) throws -> MountOptions {
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

  /// Opens `image` and makes of it what is to be shown, with a message for each warning.
  static func tree(of image: String, _ options: MountOptions) throws -> Tree {
    var opening = DiskStack.Options()
    opening.image = options.image
    opening.image.units = options.units
    opening.offset = options.offset
    opening.sizeLimit = options.sizeLimit
    opening.sectorSize = options.sectorSize
    opening.acceptsUnknownContents = options.view == .disk
    let stack: DiskStack
    do { stack = try DiskStack(opening: FilePath(image), options: opening) } catch {
      throw Failure("\(image): \(error.text)", status: error.exitStatus)
    }
    let tree: Tree
    do { tree = try Tree(showing: stack, view: options.view, volume: options.volume) } catch {
      throw Failure(image, error)
    }
    for warning in Tree.warnings(about: stack) { Message.write("\(image): warning: \(warning)") }
    return tree
  }
}

extension Failure {
  init(_ image: String, _ error: MountError) {
    switch error.kind {
    case .notPermitted: self.init("\(image): \(error.text)", .notPermitted)
    case .mountPoint, .busy, .notMounted, .system: self.init("\(image): \(error.text)", .mountFailed)
    }
  }

  init(_ image: String, _ error: ViewError) {
    switch error {
    case .usage(let text): self.init("\(image): \(text)", .usage)
    case .unreadable(let text, let cause): self.init("\(image): \(text)", ExitStatus(cause))
    case .unsupported(let text): self.init("\(image): \(text)", .notSupported)
    case .unknown(let text): self.init("\(image): \(text)", .data)
    }
  }
}

extension MountOptions.View: ExpressibleByArgument {}
extension MountOptions.Reply: ExpressibleByArgument {}
