internal import Browsing
internal import Bytes
internal import FileSystems

/// An entry as it is going to be printed.
struct LsItem {
  /// Bytes as in the image.
  let rawName: [UInt8]
  /// Quoted, where the output is a terminal.
  let name: ShellQuoting.Quoted
  let statNumber: UInt64
  let type: NodeType?
  /// nil where they are not needed, or could not be read.
  let facts: NodeFacts?
  /// "+" where there is an access control list, "." where there is only a security label.
  var mark: UInt8?
  /// Where a symbolic link leads.
  var target: [UInt8]?
  /// What it leads to; nil where that is nothing.
  var targetFacts: NodeFacts?

  /// The columns of a line in front of the name, as they are: mode, links, owner, group, size, time.
  func columns(_ options: LsOptions, now: Timestamp) -> [String] {
    guard let attributes = facts?.attributes else {
      let mode = "\(Character(Unicode.Scalar(type?.letter ?? UInt8(ascii: "?"))))?????????"
      return [mode, "?", "?", "?", "?", options.timeStyle.unknownText]
    }
    return [
      attributes.modeText, "\(attributes.linkCount)", "\(attributes.owner)", "\(attributes.group)",
      options.sizeText(attributes.size), options.timeText(attributes, now: now),
    ]
  }

  /// What it takes.
  func blocks(_ options: LsOptions) -> String {
    facts.map { options.blocksText($0.attributes.allocatedSize) } ?? "?"
  }
}

/// How wide the columns of a folder's listing are.
struct LsWidths {
  var inode = 0
  var blocks = 0
  var links = 0
  var owner = 0
  var group = 0
  var size = 0
  var major = 0
  var minor = 0
  var hasMarks = false
  var hasQuotes = false
  /// Bytes that all entries take, for the line "total".
  var allocated: UInt64 = 0
  var count = 0

  mutating func add(_ item: LsItem, _ options: LsOptions) {
    count += 1
    hasQuotes = hasQuotes || item.name.isQuoted
    if options.showsInodes { inode = max(inode, String(item.statNumber).utf8.count) }
    if options.showsBlocks { blocks = max(blocks, item.blocks(options).utf8.count) }
    let (total, overflow) = allocated.addingReportingOverflow(item.facts?.attributes.allocatedSize ?? 0)
    allocated = overflow ? .max : total
    guard options.format == .long else { return }
    hasMarks = hasMarks || item.mark != nil
    let columns = item.columns(options, now: Timestamp(seconds: 0))
    links = max(links, columns[1].utf8.count)
    owner = max(owner, columns[2].utf8.count)
    group = max(group, columns[3].utf8.count)
    if let device = item.facts?.attributes.deviceNumber {
      major = max(major, String(device.major).utf8.count)
      minor = max(minor, String(device.minor).utf8.count)
      size = max(size, major + 2 + minor)
    } else {
      size = max(size, columns[4].utf8.count)
    }
  }
}
