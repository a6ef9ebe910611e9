internal import Browsing
internal import FileSystems

/// Prints entries: long, in columns, or one a line.
final class LsPrinter {
  private let options: LsOptions
  private let output: Output
  private let now: Timestamp
  private let quoting = ShellQuoting()
  private var hasColored = false

  init(options: LsOptions, output: Output, now: Timestamp) {
    self.options = options
    self.output = output
    self.now = now
  }

  func printTotal(_ allocated: UInt64) throws {
    try output.write("total \(options.blocksText(allocated))\n")
  }

  func print(_ items: [LsItem], _ widths: LsWidths) throws {
    guard options.format == .columns else {
      for item in items { try print(item, widths) }
      return
    }
    try printColumns(items, widths)
  }

  /// A line with one entry.
  func print(_ item: LsItem, _ widths: LsWidths) throws {
    try printFront(item, widths)
    if options.format == .long { try printAttributes(item, widths) }
    try printName(item, isPadded: options.format == .long && widths.hasQuotes)
    if options.format == .long, item.type == .symbolicLink, let target = item.target { try printTarget(target, item) }
    try output.newline()
  }

  private func printFront(_ item: LsItem, _ widths: LsWidths) throws {
    if options.showsInodes { try output.write(padded("\(item.statNumber)", widths.inode) + " ") }
    if options.showsBlocks { try output.write(padded(item.blocks(options), widths.blocks) + " ") }
  }

  private func printAttributes(_ item: LsItem, _ widths: LsWidths) throws {
    let columns = item.columns(options, now: now)
    var line = columns[0]
    if widths.hasMarks { line.unicodeScalars.append(Unicode.Scalar(item.mark ?? UInt8(ascii: " "))) }
    line += " \(padded(columns[1], widths.links)) "
    if options.showsOwner { line += padded(columns[2], widths.owner) + " " }
    if options.showsGroup { line += padded(columns[3], widths.group) + " " }
    if let device = item.facts?.attributes.deviceNumber {
      let room = max(0, widths.size - (widths.major + 2 + widths.minor))
      line += "\(padded("\(device.major)", widths.major + room)), \(padded("\(device.minor)", widths.minor))"
    } else {
      line += padded(columns[4], widths.size)
    }
    try output.write(line + " \(columns[5]) ")
  }

  private func printTarget(_ target: [UInt8], _ item: LsItem) throws {
    try output.write(" -> ")
    let text =
      !options.isTerminal
      ? target : options.quotesNames ? quoting.quote(target).text : quoting.masked(target)
    if let colors = options.colors, let facts = item.targetFacts {
      try write(text, color: colors.start(target, facts.attributes))
    } else {
      try output.write(text)
    }
    if let facts = item.targetFacts {
      try output.write(options.indicator(facts.attributes.type, facts.attributes))
    }
  }

  private func printName(_ item: LsItem, isPadded: Bool) throws {
    // Quoted names stand such that the letters are below one another.
    if isPadded && !item.name.isQuoted { try output.write(" ") }
    try printBareName(item)
    try output.write(options.indicator(item.type, item.facts?.attributes))
  }

  private func printBareName(_ item: LsItem) throws {
    guard let colors = options.colors, let attributes = item.facts?.attributes else {
      return try output.write(item.name.text)
    }
    let isLink = attributes.type == .symbolicLink
    if isLink && colors.followsLinks, let target = item.targetFacts {
      return try write(item.name.text, color: colors.start(item.rawName, target.attributes))
    }
    let isDangling = isLink && item.targetFacts == nil
    try write(item.name.text, color: colors.start(item.rawName, attributes, isDangling: isDangling))
  }

  private func write(_ text: [UInt8], color: [UInt8]?) throws {
    guard let color, let colors = options.colors else { return try output.write(text) }
    // Whatever the terminal was left in.
    if !hasColored { try output.write(colors.reset) }
    hasColored = true
    try output.write(color)
    try output.write(text)
    try output.write(colors.reset)
  }

  func finish() throws {}

  private func padded(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(0, width - text.utf8.count)) + text
  }

  // MARK: Columns

  /// Columns between two names, and of the narrowest name with them.
  private static let gap = 2
  private static let narrowest = 3

  private func printColumns(_ items: [LsItem], _ widths: LsWidths) throws {
    let isPadded = widths.hasQuotes
    let lengths = items.map { item in
      item.name.width + (isPadded && !item.name.isQuoted ? 1 : 0) + (options.showsInodes ? widths.inode + 1 : 0)
        + (options.showsBlocks ? widths.blocks + 1 : 0) + options.indicator(item.type, item.facts?.attributes).count
    }
    guard !items.isEmpty else { return }
    let columns = columnWidths(lengths)
    let rows = (items.count + columns.count - 1) / columns.count
    // To the next item of a line, and to the first one of the next line.
    let (step, lineStep) = options.isAcross ? (1, columns.count) : (rows, 1)
    for row in 0..<rows {
      var position = 0
      var index = row * lineStep
      for column in columns.indices {
        let item = items[index]
        try printFront(item, widths)
        try printName(item, isPadded: isPadded)
        let end = position + lengths[index]
        index += step
        guard index < items.count, column + 1 < columns.count else { break }
        position += columns[column]
        try indent(from: end, to: position)
      }
      try output.newline()
    }
  }

  /// The widths of as many columns as fit the line.
  private func columnWidths(_ lengths: [Int]) -> [Int] {
    let most = options.width == 0 ? lengths.count : min(lengths.count, max(1, options.width / Self.narrowest))
    for count in stride(from: most, to: 1, by: -1) {
      let rows = (lengths.count + count - 1) / count
      var widths = [Int](repeating: Self.narrowest, count: count)
      for (index, length) in lengths.enumerated() {
        let column = options.isAcross ? index % count : index / rows
        let isLastColumn = column == count - 1
        widths[column] = max(widths[column], length + (isLastColumn ? 0 : Self.gap))
      }
      if options.width == 0 || widths.reduce(0, +) < options.width { return widths }
    }
    return [lengths.max() ?? 0]
  }

  /// With tabs where they reach, as ls(1) does; where there are colours, terminals do not agree on what tabs do.
  private func indent(from start: Int, to end: Int) throws {
    var position = start
    while position < end {
      if options.colors == nil && options.width > 0 && end / 8 > (position + 1) / 8 {
        try output.write("\t")
        position += 8 - position % 8
      } else {
        try output.write(" ")
        position += 1
      }
    }
  }
}
