internal import ArgumentParser
internal import Browsing
internal import Bytes
internal import Copying
internal import FileSystems
internal import SystemPackage

/// `vitrine diff`: what differs between two images, or an image and a folder.
struct Diff: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "diff",
    abstract: "Tell what differs between two images, or between an image and a folder.",
    discussion: """
      Each of the two is an image, an image with a colon and a path in it, or a folder. Lines begin with A (added), D \
      (deleted) or C (changed). The exit status is 0 where nothing differs, 1 where something does, 2 for trouble.
      """)

  @Argument(help: ArgumentHelp("What was before.", valueName: "image[:path]|folder"), completion: .file())
  var first: String

  @Argument(help: ArgumentHelp("What is now.", valueName: "image[:path]|folder"), completion: .file())
  var second: String

  @Flag(name: [.customShort("t"), .customLong("times")], help: "Times of the last change count, too.")
  var times = false

  @Option(
    help: ArgumentHelp("Leave these out, between commas: content, mode, owner, xattrs.", valueName: "list"))
  var ignore: [String] = []

  @Flag(name: [.customShort("q"), .customLong("brief")], help: "Print nothing: the exit status tells.")
  var brief = false

  @Flag(name: [.customShort("r"), .customLong("recursive")], help: "Accepted: folders are compared with all in them.")
  var recursive = false

  @OptionGroup var json: JSONArgument

  @OptionGroup var browse: BrowseArguments

  private static let trouble: Int32 = 2

  func validate() throws {
    for name in ignored where !["content", "mode", "owner", "xattrs"].contains(name) {
      throw ValidationError("--ignore takes content, mode, owner and xattrs, not \(Escaped.text(name)).")
    }
  }

  private var ignored: [String] { ignore.flatMap { $0.split(separator: ",").map(String.init) } }

  func run() throws {
    do {
      if try differs() { throw ExitCode(1) }
    } catch let failure as Failure { throw Failure(failure.text, status: Self.trouble) }
  }

  /// Prints the differences.
  private func differs() throws -> Bool {
    let sides = try [first, second].map(side)
    var aspects = Set(TreeDifference.Aspect.allCases)
    if !times { aspects.remove(.times) }
    for name in ignored { if let aspect = TreeDifference.Aspect(rawValue: name) { aspects.remove(aspect) } }
    let difference: TreeDifference
    do { difference = try TreeDifference(sides[0], sides[1], aspects: aspects) } catch {
      throw Failure("cannot open a folder: \(error)", .cannotOpen)
    }
    let output = Output()
    let array = json.isWanted && !brief ? try JSONArrayOutput(output) : nil
    var hasDifferences = false
    var hasFailed = false
    while let event = difference.next() {
      switch event {
      case .difference(let change, let path):
        hasDifferences = true
        // The rest would change nothing.
        if brief && !hasFailed { return true }
        try array?.write(Self.json(change, path))
        if array == nil && !brief { try output.write(Self.line(change, path, isTerminal: output.isTerminal)) }
      case .failed(let error, let path, let side):
        hasFailed = true
        try output.flush()
        let name = Escaped.text([first, second][side])
        Message.write("\(name): \(Escaped.text([UInt8(ascii: "/")] + path)): \(error.plainText)")
      }
    }
    try array?.finish()
    try output.flush()
    if hasFailed { throw ExitCode(Self.trouble) }
    return hasDifferences
  }

  private func side(_ argument: String) throws -> TreeDifference.Side {
    let bytes = RawArguments.bytes(of: argument)
    let kind = HostPath.kind(bytes)
    if kind == .folder { return .folder(bytes) }
    let reference = kind == .nothing ? ImageReference(argument) : nil
    let image = try browse.open(reference?.image ?? argument)
    let path = reference?.path ?? ImagePath.root.bytes
    do throws(ReadError) {
      return .image(image.tree, try image.tree.node(at: path))
    } catch { throw Failure("\(image.name): \(Escaped.text(path)): \(error.plainText)", .cannotOpen) }
  }

  private static func line(_ change: TreeDifference.Change, _ path: [UInt8], isTerminal: Bool) -> [UInt8] {
    let path = [UInt8(ascii: "/")] + path
    let shown = isTerminal ? ShellQuoting().quote(path).text : path
    switch change {
    case .added: return Array("A ".utf8) + shown + [UInt8(ascii: "\n")]
    case .removed: return Array("D ".utf8) + shown + [UInt8(ascii: "\n")]
    case .changed(let aspects, let before, let after):
      let details = aspects.map { detail($0, before, after) }.joined(separator: ", ")
      return Array("C ".utf8) + shown + Array(" (\(details))\n".utf8)
    }
  }

  private static func detail(_ aspect: TreeDifference.Aspect, _ before: Attributes, _ after: Attributes) -> String {
    switch aspect {
    case .type: "\(before.type.name) is \(after.type.name)"
    case .mode: "mode \(octal(before.permissions)) is \(octal(after.permissions))"
    case .owner: "owner \(before.owner):\(before.group) is \(after.owner):\(after.group)"
    case .content, .xattrs, .times: aspect.rawValue
    }
  }

  private static func octal(_ permissions: UInt16) -> String {
    let digits = String(permissions & 0o7777, radix: 8)
    return String(repeating: "0", count: 4 - digits.count) + digits
  }

  private static func json(_ change: TreeDifference.Change, _ path: [UInt8]) -> JSONValue {
    let path = NodeJSON.text("path", [UInt8(ascii: "/")] + path)
    switch change {
    case .added(let attributes):
      return .object(path + [("change", .string("added")), ("after", json(attributes))])
    case .removed(let attributes):
      return .object(path + [("change", .string("removed")), ("before", json(attributes))])
    case .changed(let aspects, let before, let after):
      return .object(
        path + [
          ("change", .string("changed")), ("differs", .strings(aspects.map(\.rawValue))), ("before", json(before)),
          ("after", json(after)),
        ])
    }
  }

  private static func json(_ attributes: Attributes) -> JSONValue {
    .object([
      ("type", .string(attributes.type.name)), ("mode", .string(octal(attributes.permissions))),
      ("uid", .number(UInt64(attributes.owner))), ("gid", .number(UInt64(attributes.group))),
      ("size", .number(attributes.size)), ("mtime", .string(TimeText.iso(attributes.modified))),
    ])
  }
}
