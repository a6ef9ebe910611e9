internal import ArgumentParser
internal import Browsing
internal import Bytes
internal import FileSystems

/// `vitrine find`: the files of an image that an expression holds for.
struct Find: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "find",
    abstract: "Find files in an image, without mounting it.",
    usage: "vitrine find [<options>] <image> [<path> ...] [<expression>]",
    discussion: """
      Expressions are those of find(1): -name -iname -path -ipath -regex -iregex -type -xtype -size -newer -newermt \
      -mtime -mmin -perm -user -group -links -inum -empty -maxdepth -mindepth and so on, with ! -a -o ( ) and -print \
      -print0 -printf -ls -prune -quit. \
      Options of vitrine itself stand before the image.
      """)

  @Argument(
    parsing: .captureForPassthrough,
    help: ArgumentHelp("The image, paths in it, and an expression.", valueName: "arguments"), completion: .file())
  var arguments: [ImagePath] = []

  @Flag(exclusivity: .chooseLast) var following: FindFollowingFlag?

  @OptionGroup var browse: BrowseArguments

  func run() throws {
    let arguments = arguments.first?.bytes == Array("--".utf8) ? Array(self.arguments.dropFirst()) : self.arguments
    guard let first = arguments.first else { throw ValidationError("Missing expected argument '<image>'") }
    let image = String(decoding: first.bytes, as: UTF8.self)
    guard !image.hasPrefix("-") else {
      throw ValidationError("Unknown option '\(image)'; options of an expression stand behind the image")
    }
    let rest = arguments.dropFirst().map(\.bytes)
    let paths = rest.prefix { !FindParser.isExpression($0) }
    let now = Timestamp.now
    let name = Escaped.text(image)
    // What is wrong with the words needs no image to be said.
    var parser = FindParser(Array(rest.dropFirst(paths.count)), now: now, following: following?.meaning ?? .none)
    let expression: FindExpression
    do { expression = try parser.parse() } catch { throw Failure("find: \(error.text); see vitrine-find(1)", .usage) }

    let opened = try browse.open(image)
    var references: [FindReference: Timestamp] = [:]
    for reference in expression.references {
      do {
        let facts = try FindEvaluator.find(reference.path, in: opened.tree, expression.followed)
        guard let time = reference.kind.time(of: facts.attributes) else { continue }
        references[reference] = time
      } catch {
        throw Failure("\(name): \(Escaped.text(reference.path)): \(error)", ExitStatus(ofPath: error))
      }
    }
    let output = Output()
    let problems = Problems(opened, output)
    let evaluator = FindEvaluator(
      tree: opened.tree, expression: expression, references: references, now: now, output: output, problems: problems)
    if expression.usesPatterns { NamePattern.useCharactersOfLocale() }
    for path in paths.isEmpty ? [ImagePath.root.bytes] : Array(paths) {
      do {
        let start = try FindEvaluator.find(path, in: opened.tree, expression.followed)
        try evaluator.search(from: start, named: path)
      } catch let error as ReadError { try problems.report(error, at: path) }
      if evaluator.isDone { break }
    }
    try problems.finish()
  }
}

/// Which symbolic links are followed, as find(1) has it.
enum FindFollowingFlag: EnumerableFlag {
  case none, named, all

  var meaning: FindFollowing {
    switch self {
    case .none: .none
    case .named: .named
    case .all: .all
    }
  }

  static func name(for value: Self) -> NameSpecification {
    switch value {
    case .none: .customShort("P")
    case .named: .customShort("H")
    case .all: .customShort("L")
    }
  }

  static func help(for value: Self) -> ArgumentHelp? {
    switch value {
    case .none: "Symbolic links are told themselves, as they are without this."
    case .named: "Links that are named as paths are followed, within the image."
    case .all: "All symbolic links are followed, within the image."
    }
  }
}
