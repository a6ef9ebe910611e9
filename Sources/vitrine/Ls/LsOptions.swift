internal import ArgumentParser
internal import Browsing
internal import FileSystems

/// What a listing is to look like.
struct LsOptions {
  enum Format { case long, columns, single }
  /// Which symbolic links are told as what they lead to.
  enum Followed { case foldersThatAreNamed, named, all, none }
  /// Which names have a mark behind them that tells their types.
  enum Marks { case none, folders, types, all }

  var format = Format.single
  var filter = LsFilter()
  var followed = Followed.foldersThatAreNamed
  var order = FolderOrder.byName()
  var isRecursive = false
  var listsFolders = true
  /// nil for bytes, and units of 1024 of what is taken.
  var sizeUnit: SizeUnit?
  var showsInodes = false
  /// Whether what an entry takes stands in front of it.
  var showsBlocks = false
  var showsOwner = true
  var showsGroup = true
  var time = FolderOrder.Time.modified
  var timeStyle = TimeStyle.locale
  var marks = Marks.none
  var isJSON = false
  var isTerminal = false
  /// Whether names are quoted, where they may be for a terminal.
  var quotesNames = true
  /// Whether columns are filled line by line.
  var isAcross = false
  /// Columns of the terminal.
  var width = 80
  var colors: LsColors?

  /// Whether more than names and types has to be known.
  var needsFacts: Bool { format == .long || isJSON || colors != nil || showsBlocks || marks == .all }

  /// Whether entries that are symbolic links have to be followed for what is told of them.
  var followsEntries: Bool {
    followed == .all && (needsFacts || isRecursive || showsInodes || marks != .none || order.foldersFirst)
  }

  /// Whether it has to be known what symbolic links lead to.
  var needsTargets: Bool { colors != nil || (format == .long && (marks == .types || marks == .all)) }

  /// What stands behind a name. Behind that of a link in a long listing it stands behind what the link leads to.
  func indicator(_ type: NodeType?, _ attributes: Attributes?) -> String {
    if marks == .none { return "" }
    if type == .directory { return "/" }
    guard marks != .folders else { return "" }
    switch type {
    case .symbolicLink: return format == .long ? "" : "@"
    case .fifo: return "|"
    case .socket: return "="
    case .regular: return marks == .all && (attributes?.permissions ?? 0) & 0o111 != 0 ? "*" : ""
    default: return ""
    }
  }

  func sizeText(_ bytes: UInt64) -> String { sizeUnit?.text(bytes) ?? "\(bytes)" }
  func blocksText(_ bytes: UInt64) -> String { (sizeUnit ?? .blocks(1024, suffix: "")).text(bytes) }

  func timeText(_ attributes: Attributes, now: Timestamp) -> String {
    let shown =
      switch time {
      case .accessed: attributes.accessed
      case .modified: attributes.modified
      case .changed: attributes.changed
      }
    return timeStyle.text(shown, now: now)
  }
}

/// How a time is told.
enum TimeStyle: ExpressibleByArgument {
  /// "Nov 23 13:41", and for what is not of the last half year "Nov 23  2024".
  case locale
  case fullISO
  case longISO
  case iso
  /// As date(1) has it behind a "+".
  case format(String)

  init?(argument: String) {
    switch argument {
    case "locale": self = .locale
    case "full-iso": self = .fullISO
    case "long-iso": self = .longISO
    case "iso": self = .iso
    default:
      guard argument.hasPrefix("+") else { return nil }
      self = .format(String(argument.dropFirst()))
    }
  }

  func text(_ time: Timestamp, now: Timestamp) -> String {
    switch self {
    case .locale: TimeText.short(time, now: now)
    case .fullISO: TimeText.full(time)
    case .longISO: TimeText.text(time, format: "%Y-%m-%d %H:%M")
    case .iso: TimeText.text(time, format: TimeText.isRecent(time, now: now) ? "%m-%d %H:%M" : "%Y-%m-%d ")
    case .format(let format): TimeText.text(time, format: format)
    }
  }

  /// Of a time that is not known: a question mark at the end of what a known one takes.
  var unknownText: String {
    let known = text(Timestamp(seconds: 0), now: Timestamp(seconds: 0)).count
    return String(repeating: " ", count: max(0, known - 1)) + "?"
  }
}
