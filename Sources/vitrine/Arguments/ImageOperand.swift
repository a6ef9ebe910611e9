internal import ArgumentParser

/// The image that a command looks into, and the options that say how: for commands that take one image.
struct ImageOperand: ParsableArguments {
  @Argument(help: "A disk image or block device.", completion: .file())
  var image: String

  @OptionGroup var browse: BrowseArguments

  func open() throws -> BrowsedImage { try browse.open(image) }
}
