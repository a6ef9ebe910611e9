internal import ArgumentParser
internal import Browsing
internal import Bytes
internal import FileSystems

/// `vitrine stat`: what an image's filesystem tells of a file.
struct Stat: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "stat",
    abstract: "Show what is known of files in an image, without mounting it.",
    discussion: """
      Formats have the sequences of stat(1). Owners are shown by number; of devices that a file could be on, there is \
      none, and the number 0.
      """)

  @OptionGroup var operand: ImageOperand

  @Argument(help: ArgumentHelp("What to tell of.", valueName: "path"))
  var paths: [ImagePath]

  @Option(
    name: [.customShort("c", allowingJoined: true), .customLong("format-string")],
    help: ArgumentHelp("Print this for each path, and a newline: %n %s %A %y …", valueName: "format"))
  var layout: ImagePath?

  @Option(help: ArgumentHelp("The same without a newline, and with escapes such as \\n.", valueName: "format"))
  var printf: ImagePath?

  @Flag(name: [.customShort("t"), .customLong("terse")], help: "All in one line.")
  var terse = false

  @Flag(name: [.customShort("L"), .customLong("dereference")], help: "Of what a symbolic link leads to.")
  var dereference = false

  @OptionGroup var json: JSONArgument

  func run() throws {
    let opened = try operand.open()
    let output = Output()
    let problems = Problems(opened, output)
    let format: StatFormat? =
      if let printf {
        StatFormat(printf.bytes, hasEscapes: true)
      } else {
        (layout ?? (terse ? StatFormat.terse : nil)).map {
          StatFormat($0.bytes + [UInt8(ascii: "\n")], hasEscapes: false)
        }
      }
    let array = json.isWanted ? try JSONArrayOutput(output) : nil
    for path in paths {
      do {
        let facts = try opened.tree.node(at: path.bytes, followsLast: dereference)
        let isLink = facts.attributes.type == .symbolicLink
        let target = isLink ? try opened.tree.linkTarget(of: facts.number) : nil
        let subject = StatSubject(
          path: path.bytes, facts: facts, target: target,
          blockSize: UInt64(opened.tree.summary(at: facts.number)?.blockSize ?? 4096))
        if let array {
          let name = path.bytes.split(separator: UInt8(ascii: "/")).last ?? path.bytes[...]
          try array.write(
            .object(NodeJSON.members(path: path.bytes, name: name, facts: facts, target: target)))
        } else {
          try output.write(
            (format ?? StatFormat.standard(isDevice: facts.attributes.deviceNumber != nil)).text(subject))
        }
      } catch let error as ReadError { try problems.report(error, at: path.bytes) }
    }
    try array?.finish()
    try problems.finish()
  }
}
