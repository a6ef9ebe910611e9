internal import ArgumentParser
internal import Browsing
internal import Bytes
internal import DiskStack
internal import Mounting
internal import SystemPackage

/// The options that say what of an image is looked at: those of a mount that tell how it is read.
struct BrowseArguments: ParsableArguments {
  @OptionGroup var imageArguments: ImageArguments

  @Option(
    help: ArgumentHelp(
      "Paths start in this volume: a number, LABEL=, UUID=, PARTLABEL= or PARTUUID=.", valueName: "selector"))
  var partition: String?

  @Option(
    help: ArgumentHelp("Paths start in a filesystem, or in the disk with its volumes.", valueName: "filesystem|disk"))
  var view: Tree.View?

  @Option(help: ArgumentHelp("Start of the disk in the image.", valueName: "bytes"))
  var offset: String?

  @Option(help: ArgumentHelp("Size of the disk in the image.", valueName: "bytes"))
  var sizelimit: String?

  @Option(help: ArgumentHelp("Logical sector size, where it is not found out right.", valueName: "bytes"))
  var sectorSize: String?

  @Option(
    name: .customShort("o", allowingJoined: true),
    help: ArgumentHelp("Options that a mount has for these things, between commas.", valueName: "options"))
  var options: [String] = []

  /// Opens the image, and says on standard error what a person should know of it.
  func open(_ image: String) throws -> BrowsedImage {
    if image == "-" {
      throw Failure("-: an image cannot be read from a pipe; save it to a file, and name that", .usage)
    }
    let options = try mountOptions(for: image)
    var opening = DiskStack.Options()
    opening.image = options.image
    opening.offset = options.offset
    opening.sizeLimit = options.sizeLimit
    opening.sectorSize = options.sectorSize
    opening.acceptsUnknownContents = options.view == .disk
    let stack: DiskStack
    let tree: Tree
    do { stack = try DiskStack(opening: FilePath(image), options: opening) } catch {
      throw Failure("\(Escaped.text(image)): \(error.text)", status: error.exitStatus)
    }
    do { tree = try Tree(showing: stack, view: options.view, volume: options.volume) } catch {
      throw Failure(error, in: image)
    }
    for warning in Tree.warnings(about: stack) { Message.write("\(Escaped.text(image)): warning: \(warning)") }
    return BrowsedImage(name: Escaped.text(image), stack: stack, tree: tree)
  }

  private func mountOptions(for image: String) throws -> MountOptions {
    var options = MountOptions()
    do {
      for list in self.options { try options.apply(list) }
      if let partition { try options.select(partition) }
      if let offset { try options.apply("offset=\(offset)") }
      if let sizelimit { try options.apply("sizelimit=\(sizelimit)") }
      if let sectorSize { try options.apply("sector_size=\(sectorSize)") }
    } catch { throw Failure("\(Escaped.text(image)): \(error.text)", .usage) }
    if options.changesAttributes {
      throw Failure(
        "\(Escaped.text(image)): uid, gid, umask, fmask and dmask change what a mount shows; leave them out", .usage)
    }
    if let view { options.view = view }
    imageArguments.apply(to: &options.image)
    return options
  }
}

extension MountOptions {
  fileprivate var changesAttributes: Bool {
    owner != nil || group != nil || directoryMask != 0 || fileMask != 0
  }
}

/// An image that is open to be looked at.
struct BrowsedImage {
  /// As messages call it.
  let name: String
  let stack: DiskStack
  let tree: Tree
}

extension Failure {
  /// Why an image has nothing to show in the way that was asked for.
  init(_ error: ViewError, in image: String) {
    let image = Escaped.text(image)
    switch error {
    case .usage(let text): self.init("\(image): \(text)", .usage)
    case .unreadable(let text, let cause): self.init("\(image): \(text)", ExitStatus(cause))
    case .unsupported(let text): self.init("\(image): \(text)", .notSupported)
    case .unknown(let text): self.init("\(image): \(text)", .data)
    }
  }
}

/// A path in an image as an argument: any bytes, but for NUL.
struct ImagePath: ExpressibleByArgument {
  let bytes: [UInt8]

  static let root = ImagePath(bytes: [UInt8(ascii: "/")])

  init(bytes: [UInt8]) { self.bytes = bytes }
  init(argument: String) { bytes = RawArguments.bytes(of: argument) }

  var defaultValueDescription: String { Escaped.text(bytes) }
}
