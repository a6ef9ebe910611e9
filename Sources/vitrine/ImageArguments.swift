internal import ArgumentParser
internal import DiskImages
internal import SystemPackage

/// The options that say how the file that holds a disk is to be read: every command that opens an image has them.
struct ImageArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Read the image as this format, whatever it looks like: \(Self.formatNames.joined(separator: ", ")).",
      valueName: "format"),
    completion: .list(Self.formatNames))
  var format: FormatArgument?

  @Option(help: ArgumentHelp("Show the disk as this snapshot in the image keeps it.", valueName: "name|id"))
  var snapshot: String?

  @Option(
    help: ArgumentHelp("Use this backing file or parent, not the one that the image names.", valueName: "file"),
    completion: .file())
  var backingFile: String?

  @Option(
    help: ArgumentHelp(
      "A further device of a filesystem that spreads to several, like EROFS; once for each, in order.",
      valueName: "file"),
    completion: .file())
  var device: [String] = []

  @Flag(help: "Open files outside of the image's folder, too, where the image names them.")
  var allowExternalFiles = false

  /// Overrides what is given here in `options`.
  func apply(to options: inout ImageOptions) {
    if let format { options.format = format.format }
    if let snapshot { options.snapshot = snapshot }
    if let backingFile { options.backingFile = FilePath(backingFile) }
    options.devices += device.map { FilePath($0) }
    if allowExternalFiles { options.allowsExternalFiles = true }
  }

  private static var formatNames: [String] { ImageFormat.names }
}

/// An `ImageFormat` as an argument.
struct FormatArgument: ExpressibleByArgument {
  let format: ImageFormat

  init?(argument: String) {
    guard let format = ImageFormat(named: argument) else { return nil }
    self.format = format
  }
}
