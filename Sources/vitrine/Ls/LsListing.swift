internal import Browsing
internal import Bytes
internal import FileSystems
internal import SystemPackage

/// Lists paths as `ls` does: what are no folders first, then each folder, and with `-R` those in it.
final class LsListing {
  let options: LsOptions
  let tree: Tree
  let output: Output
  let problems: Problems
  private let quoting = ShellQuoting()
  private let now = Timestamp.now
  private var hasPrinted = false
  private let printer: LsPrinter
  private var array: JSONArrayOutput?

  init(options: LsOptions, tree: Tree, output: Output, problems: Problems) {
    self.options = options
    self.tree = tree
    self.output = output
    self.problems = problems
    printer = LsPrinter(options: options, output: output, now: now)
  }

  /// Entries that are kept to be printed. Those of a larger folder are read twice: for the widths, and to be printed.
  private static let keptLimit = 1 << 16

  func list(_ paths: [[UInt8]]) throws {
    if options.isJSON { array = try JSONArrayOutput(output) }
    var files: [LsItem] = []
    var folders: [(path: [UInt8], facts: NodeFacts)] = []
    for path in paths {
      do {
        let facts = try find(path)
        if facts.attributes.type == .directory && options.listsFolders {
          folders.append((path, facts))
        } else {
          files.append(item(named: path[...], facts.number, facts.statNumber, facts.attributes.type, facts, at: path))
        }
      } catch { try problems.report(error, at: path) }
    }
    sort(&files)
    folders.sort { first, second in
      order(
        first.facts.attributes, first.path[...], second.facts.attributes, second.path[...])
    }
    if !files.isEmpty {
      if options.isJSON {
        for file in files { try array?.write(json(file, in: nil)) }
      } else {
        var widths = LsWidths()
        for file in files { widths.add(file, options) }
        // Columns are as wide as those of the folders would be.
        for (path, facts) in folders {
          widths.add(
            item(named: path[...], facts.number, facts.statNumber, facts.attributes.type, facts, at: path), options)
        }
        try printer.print(files, widths)
      }
      hasPrinted = true
    }
    for folder in folders {
      let hasHeading = options.isRecursive || paths.count > 1
      if options.isRecursive {
        try listAll(folder.path, folder.facts)
      } else {
        try list(folder.path, folder.facts.number, hasHeading: hasHeading)
      }
    }
    try array?.finish()
    try printer.finish()
  }

  /// A path on the command line: a link to a folder is that folder, unless the link itself is asked about.
  private func find(_ path: [UInt8]) throws(ReadError) -> NodeFacts {
    switch options.followed {
    case .all, .named: return try tree.node(at: path)
    case .none: return try tree.node(at: path, followsLast: false)
    case .foldersThatAreNamed: break
    }
    let own = try tree.node(at: path, followsLast: false)
    guard own.attributes.type == .symbolicLink else { return own }
    guard let target = try? tree.node(at: path), target.attributes.type == .directory else { return own }
    return target
  }

  private func order(
    _ first: Attributes, _ firstName: ArraySlice<UInt8>, _ second: Attributes, _ secondName: ArraySlice<UInt8>
  ) -> Bool {
    options.order.precedes(first, firstName, second, secondName)
  }

  private func sort(_ items: inout [LsItem]) {
    items.sort { first, second in
      guard let one = first.facts?.attributes, let other = second.facts?.attributes else { return false }
      return order(one, first.rawName[...], other, second.rawName[...])
    }
  }

  // MARK: Folders

  private func listAll(_ path: [UInt8], _ facts: NodeFacts) throws {
    var walkOptions = TreeWalk.Options()
    walkOptions.order = options.order
    walkOptions.needsFacts = false
    let followsLinks = options.followed == .all
    if followsLinks { walkOptions.links = .followedWhereTheyLead }
    let filter = options.filter
    let tree = tree
    walkOptions.includes = { (name, entry) in
      guard filter.includes(name) else { return false }
      // Only folders are walked; the entries of each are listed apart.
      guard let type = entry.type ?? (try? tree.facts(of: entry.number))?.attributes.type else { return false }
      return type == .directory || (followsLinks && type == .symbolicLink)
    }
    var walk = TreeWalk(of: tree, from: facts, named: path, options: walkOptions)
    while let event = walk.next() {
      switch event {
      case .node(let node) where node.type == .directory:
        try list(walk.path, node.number, hasHeading: true)
      case .failed(let error):
        // That the folder cannot be listed was said as it was listed.
        if case .corrupt = error.cause { try problems.reportOnce(error, at: walk.path) }
        // Nor can a link be listed that leads nowhere; but one can that leads to a folder which the walk is in.
        if error.cause == .io(.tooManySymbolicLinkLevels), (try? tree.node(at: walk.path)) != nil {
          try problems.report("is a folder that this one lies in; it is not listed again", at: walk.path, .cannotOpen)
        }
      case .node, .left: break
      }
    }
  }

  private func list(_ path: [UInt8], _ number: UInt64, hasHeading: Bool) throws {
    if hasHeading && !options.isJSON {
      if hasPrinted { try output.newline() }
      var heading = quoting
      heading.quotesColons = true
      try output.write(options.isTerminal ? heading.quote(path).text : path)
      try output.write(":\n")
    }
    hasPrinted = true
    if options.isJSON { return try listJSON(path, number) }

    var widths = LsWidths()
    var kept: [LsItem] = []
    // Without widths to find out, each entry can be printed as it comes.
    let isDirect = options.format == .single && !options.showsInodes && !options.showsBlocks
    try forEach(in: number, at: path, reportsProblems: true) { item in
      if isDirect { return try printer.print(item, LsWidths()) }
      widths.add(item, options)
      if kept.count <= Self.keptLimit { kept.append(item) }
    }
    if isDirect { return }
    if options.format == .long || options.showsBlocks { try printer.printTotal(widths.allocated) }
    if kept.count == widths.count { return try printer.print(kept, widths) }
    kept = []
    try forEach(in: number, at: path, reportsProblems: false) { item in try printer.print(item, widths) }
  }

  private func listJSON(_ path: [UInt8], _ number: UInt64) throws {
    try forEach(in: number, at: path, reportsProblems: true) { item in
      try array?.write(json(item, in: path))
    }
  }

  /// - Parameter folder: nil where the name is the path.
  private func json(_ item: LsItem, in folder: [UInt8]?) -> JSONValue {
    let path = folder.map { Self.join($0, item.rawName) } ?? item.rawName
    guard let facts = item.facts else {
      return .object(NodeJSON.text("path", path) + NodeJSON.text("name", item.rawName))
    }
    return .object(NodeJSON.members(path: path, name: item.rawName, facts: facts, target: item.target))
  }

  static func join(_ folder: [UInt8], _ name: some Collection<UInt8>) -> [UInt8] {
    folder.last == UInt8(ascii: "/") ? folder + name : folder + [UInt8(ascii: "/")] + name
  }

  // MARK: Entries

  private func forEach(
    in number: UInt64, at path: [UInt8], reportsProblems: Bool, _ body: (LsItem) throws -> Void
  ) throws {
    let filter = options.filter
    var reader = FolderReader(
      of: number, in: tree, order: options.order, followsLinks: options.followed == .all,
      tellsDots: filter.hidden == .all
    ) { (name, _) in filter.includes(name) }
    while true {
      let entry: FolderEntry
      do {
        guard let next = try reader.next() else { return }
        entry = next
      } catch {
        if reportsProblems { try problems.report(error, at: path) }
        return
      }
      var facts: NodeFacts?
      if options.needsFacts || options.followsEntries {
        do { facts = try self.facts(of: entry, in: number) } catch {
          if reportsProblems { try problems.report(error, at: Self.join(path, entry.name)) }
        }
      }
      try body(
        item(
          named: entry.name, facts?.number ?? entry.number, facts?.statNumber ?? entry.statNumber, entry.type, facts,
          at: path))
    }
  }

  private func facts(of entry: FolderEntry, in folder: UInt64) throws(ReadError) -> NodeFacts? {
    if !options.needsFacts, let type = entry.type, type != .symbolicLink { return nil }
    let facts = try tree.facts(of: entry.number)
    guard options.followsEntries, facts.attributes.type == .symbolicLink else { return facts }
    return try tree.linkEnd(of: entry.number, in: folder)
  }

  private func item(
    named name: ArraySlice<UInt8>, _ number: UInt64, _ statNumber: UInt64, _ type: NodeType?, _ facts: NodeFacts?,
    at path: [UInt8]
  ) -> LsItem {
    let shown =
      !options.isTerminal
      ? ShellQuoting.Quoted(text: Array(name), width: name.count, isQuoted: false)
      : options.quotesNames ? quoting.quote(name) : quoting.unquoted(name)
    var item = LsItem(
      rawName: Array(name), name: shown, statNumber: statNumber, type: facts?.attributes.type ?? type, facts: facts)
    guard options.needsFacts, let facts else { return item }
    if options.format == .long { item.mark = mark(facts) }
    if facts.attributes.type == .symbolicLink, options.format == .long || options.isJSON || options.colors != nil {
      item.target = try? tree.linkTarget(of: number)
      if options.needsTargets {
        // Only what is in the folder itself is found by its name; another place is that of the path that was given.
        let whole = path.elementsEqual(name) ? path : Self.join(path, name)
        item.targetFacts = try? tree.node(at: whole)
      }
    }
    return item
  }

  private func mark(_ facts: NodeFacts) -> UInt8? {
    guard facts.attributes.type != .symbolicLink, let names = try? tree.extendedAttributeNames(of: facts.number) else {
      return nil
    }
    for name in names where name == Self.accessList || name == Self.defaultList { return UInt8(ascii: "+") }
    return names.contains(Self.securityLabel) ? UInt8(ascii: ".") : nil
  }

  private static let accessList = Array("system.posix_acl_access".utf8)
  private static let defaultList = Array("system.posix_acl_default".utf8)
  private static let securityLabel = Array("security.selinux".utf8)
}
