internal import ArgumentParser
internal import BlockDevices
internal import Browsing
internal import Bytes
internal import FileSystems
internal import SystemPackage

/// `vitrine cat`: the contents of files, one after the other.
struct Cat: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cat",
    abstract: "Write files of an image to standard output, without mounting it.",
    discussion: """
      Into a pipe or a file, bytes go from the image by reference. A file that cannot be read is said, the others are \
      written all the same.
      """)

  @OptionGroup var operand: ImageOperand

  @Argument(help: ArgumentHelp("A file, or a raw device such as /p1.raw.", valueName: "path"))
  var paths: [ImagePath]

  func run() throws {
    let opened = try operand.open()
    let problems = Problems(opened, Output())
    let output = ContentOutput(to: .standardOutput, readAhead: ReadAhead(in: opened.tree))
    for path in paths {
      do {
        let facts = try opened.tree.node(at: path.bytes)
        let file = try opened.tree.file(facts.number)
        try output.write(0..<file.size, of: file, number: facts.number)
      } catch let error as ReadError {
        try problems.report(error, at: path.bytes)
      } catch let error as ContentOutput.Failure {
        switch error {
        case .reading(let error): try problems.report(error, at: path.bytes)
        case .writing(let error): throw Output.failure(error)
        }
      }
    }
    try problems.finish()
  }
}
