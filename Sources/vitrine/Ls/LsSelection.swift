internal import ArgumentParser
internal import Bytes

/// The options of `vitrine ls` that say what is listed.
struct LsSelection: ParsableArguments {
  @Flag(name: [.customShort("R"), .customLong("recursive")], help: "Folders in folders, too.")
  var recursive = false

  @Flag(name: [.customShort("a"), .customLong("all")], help: "Also names that begin with a dot.")
  var all = false

  @Flag(name: [.customShort("A"), .customLong("almost-all")], help: "The same, but for . and ..")
  var almostAll = false

  @Flag(name: [.customShort("B"), .customLong("ignore-backups")], help: "No names that end with a tilde.")
  var ignoreBackups = false

  @Option(
    name: [.customShort("I", allowingJoined: true), .customLong("ignore")],
    help: ArgumentHelp("No names that this pattern matches.", valueName: "pattern"))
  var ignore: [ImagePath] = []

  @Flag(name: [.customShort("d"), .customLong("directory")], help: "Folders themselves, and not what is in them.")
  var directory = false

  @Flag(exclusivity: .chooseLast) var following: LsFollowing?

  /// - Parameter tellsAll: whether another option asks for all names.
  func filter(tellsAll: Bool) -> LsFilter {
    var filter = LsFilter()
    filter.hidden = all || tellsAll ? .all : almostAll ? .almostAll : .none
    filter.leavesOutBackups = ignoreBackups
    if !ignore.isEmpty { NamePattern.useCharactersOfLocale() }
    for pattern in ignore { filter.ignore(pattern.bytes) }
    return filter
  }

  var followed: LsOptions.Followed? {
    following.map { $0 == .all ? .all : .named }
  }
}

/// Which symbolic links are followed.
enum LsFollowing: EnumerableFlag {
  case all, named

  static func name(for value: Self) -> NameSpecification {
    switch value {
    case .all: [.customShort("L"), .customLong("dereference")]
    case .named: [.customShort("H"), .customLong("dereference-command-line")]
    }
  }

  static func help(for value: Self) -> ArgumentHelp? {
    switch value {
    case .all: "Of symbolic links, what they lead to within the image."
    case .named: "The same, but only for the links that are named."
    }
  }
}
