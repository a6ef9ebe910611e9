internal import ArgumentParser
internal import Browsing

/// The options of `vitrine ls` that say in which order, and which time counts.
struct LsSorting: ParsableArguments {
  @Flag(exclusivity: .chooseLast) var key: LsKey?

  @Option(help: ArgumentHelp("By none, name, size, time, version or extension.", valueName: "word"))
  var sort: LsSortWord?

  @Flag(name: .customShort("u"), help: "The time of the last access, in place of the last change.")
  var accessTime = false

  @Flag(name: .customShort("c"), help: "The time of the last change of the inode.")
  var changeTime = false

  @Option(
    name: .customLong("time"), help: ArgumentHelp("The time of atime, ctime or mtime.", valueName: "word"))
  var timeWord: LsTimeWord?

  @Flag(name: [.customShort("r"), .customLong("reverse")], help: "The other way round.")
  var reverse = false

  @Flag(help: "Folders before everything else.")
  var groupDirectoriesFirst = false

  /// Whether names that begin with a dot are told, too.
  var isAll: Bool { key == .listed }

  var time: FolderOrder.Time { accessTime ? .accessed : changeTime ? .changed : timeWord?.time ?? .modified }

  /// - Parameter showsTime: whether times are printed.
  func order(showsTime: Bool) -> FolderOrder {
    FolderOrder(by: orderKey(showsTime), reversed: reverse, foldersFirst: groupDirectoriesFirst)
  }

  private func orderKey(_ showsTime: Bool) -> FolderOrder.Key {
    switch key ?? sort?.key {
    case .unsorted, .listed: .none
    case .size: .size
    case .extension: .suffix
    case .version: .version
    case .time: .time(time)
    case .name: .name
    // Where no time is shown, it can only be meant for the order.
    case nil: time != .modified && !showsTime ? .time(time) : .name
    }
  }
}

/// What names are sorted by: of several, the last one counts.
enum LsKey: EnumerableFlag {
  case time, size, `extension`, version, unsorted, listed
  /// By name, for which there is no letter.
  case name

  static var allCases: [LsKey] { [.time, .size, .extension, .version, .unsorted, .listed] }

  static func name(for value: Self) -> NameSpecification {
    switch value {
    case .time: .customShort("t")
    case .size: .customShort("S")
    case .extension: .customShort("X")
    case .version: .customShort("v")
    case .unsorted, .name: .customShort("U")
    case .listed: .customShort("f")
    }
  }

  static func help(for value: Self) -> ArgumentHelp? {
    switch value {
    case .time: "The latest first."
    case .size: "The largest first."
    case .extension: "By what is behind the last dot."
    case .version: "Numbers in names by what they count: a9 before a10."
    case .unsorted, .name: "Unsorted, as the folder has them."
    case .listed: "The same, with -a."
    }
  }
}

/// A key of sorting as a word.
enum LsSortWord: String, CaseIterable, ExpressibleByArgument {
  case none, name, size, time, version, `extension`

  var key: LsKey {
    switch self {
    case .none: .unsorted
    case .name: .name
    case .size: .size
    case .time: .time
    case .version: .version
    case .extension: .extension
    }
  }
}

/// A time as a word.
enum LsTimeWord: String, CaseIterable, ExpressibleByArgument {
  case atime, access, use, ctime, status, mtime, modification

  var time: FolderOrder.Time {
    switch self {
    case .atime, .access, .use: .accessed
    case .ctime, .status: .changed
    case .mtime, .modification: .modified
    }
  }
}
