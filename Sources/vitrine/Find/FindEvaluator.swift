internal import Browsing
internal import Bytes
internal import FileSystems
internal import SystemPackage

/// Walks, and evaluates an expression for each node.
final class FindEvaluator {
  private let tree: Tree
  private let expression: FindExpression
  private let references: [FindReference: Timestamp]
  private let now: Timestamp
  private let output: Output
  private let problems: Problems
  private let needsFacts: Bool
  private var sameFiles: [FindReference: UInt64] = [:]
  /// Whether this system knows a user, or a group: asked once for each.
  private var knownUsers: [UInt32: Bool] = [:]
  private var knownGroups: [UInt32: Bool] = [:]
  /// Whether `-quit` was met.
  private(set) var isDone = false
  private var isPruned = false
  private var widths = FindListing.Widths()

  init(
    tree: Tree, expression: FindExpression, references: [FindReference: Timestamp], now: Timestamp, output: Output,
    problems: Problems
  ) {
    self.tree = tree
    self.expression = expression
    self.references = references
    self.now = now
    self.output = output
    self.problems = problems
    needsFacts = expression.root.needsFacts
    for reference in expression.references where reference.kind == .node {
      sameFiles[reference] = (try? Self.find(reference.path, in: tree, expression.followed))?.number
    }
  }

  /// What a path that is named stands for. A link that leads nowhere stands for itself.
  static func find(
    _ path: [UInt8], in tree: Tree, _ followed: FindFollowing
  ) throws(ReadError) -> NodeFacts {
    guard followed != .none else { return try tree.node(at: path, followsLast: false) }
    do throws(ReadError) { return try tree.node(at: path) } catch {
      guard error.leadsNowhere else { throw error }
      return try tree.node(at: path, followsLast: false)
    }
  }

  func search(from start: NodeFacts, named path: [UInt8]) throws {
    var options = TreeWalk.Options()
    options.needsFacts = false
    options.reportsLeaving = expression.isDepthFirst
    options.maximumDepth = expression.maximumDepth
    options.links = expression.followed == .all ? .followedWhereTheyLead : .told
    var walk = TreeWalk(of: tree, from: start, named: path, options: options)
    while !isDone, let event = walk.next() {
      switch event {
      case .node(let node):
        if expression.isDepthFirst && node.type == .directory { continue }
        try visit(node, at: walk.path, start: path)
        if isPruned && node.type == .directory { walk.skipContents() }
      case .left(let node): try visit(node, at: walk.path, start: path)
      case .failed(let error): try problems.report(error, at: walk.path)
      }
    }
  }

  private func visit(_ node: TreeWalk.Node, at path: [UInt8], start: [UInt8]) throws {
    isPruned = false
    guard node.depth >= expression.minimumDepth else { return }
    var facts = node.facts
    if needsFacts && facts == nil {
      do { facts = try tree.facts(of: node.number) } catch { return try problems.report(error, at: path) }
    }
    _ = try evaluate(expression.root, FindSubject(node: node, facts: facts, path: path, start: start))
  }

  private func evaluate(_ part: FindNode, _ subject: FindSubject) throws -> Bool {
    switch part {
    case .all(let parts):
      for part in parts where !isDone {
        if try !evaluate(part, subject) { return false }
      }
      return true
    case .any(let parts):
      for part in parts where !isDone {
        if try evaluate(part, subject) { return true }
      }
      return false
    case .sequence(let parts):
      var last = false
      for part in parts where !isDone { last = try evaluate(part, subject) }
      return last
    case .not(let part): return try !evaluate(part, subject)
    case .test(let test): return try holds(test, subject)
    case .action(let action):
      try perform(action, subject)
      return true
    }
  }

  // MARK: Actions

  private func perform(_ action: FindAction, _ subject: FindSubject) throws {
    switch action {
    case .print(let terminator):
      if output.isTerminal && terminator != 0 {
        try output.write(FindListing.shown(subject.path))
      } else {
        try output.write(subject.path)
      }
      try output.write(CollectionOfOne(terminator))
    case .list:
      guard let facts = subject.facts else { return }
      let target = try target(subject)
      try output.write(FindListing.line(subject.path, facts, target: target, now: now, &widths))
    case .format(let format):
      guard let facts = subject.facts else { return }
      let others = FindFormat.Others(
        target: try target(subject), targetType: format.needsTargetType ? targetType(subject) : .success(nil),
        fileSystem: fileSystem(subject))
      try output.write(format.text(subject, facts, others, isTerminal: output.isTerminal))
    case .prune: isPruned = true
    case .quit: isDone = true
    }
  }

  private func target(_ subject: FindSubject) throws -> [UInt8]? {
    guard subject.node.type == .symbolicLink else { return nil }
    do { return try tree.linkTarget(of: subject.node.number) } catch {
      try problems.report(error, at: subject.path)
      return nil
    }
  }

  /// What a symbolic link leads to, or the type itself of what is none.
  private func targetType(_ subject: FindSubject) -> Result<NodeType?, ReadError> {
    guard subject.node.type == .symbolicLink else { return .success(subject.node.type) }
    do throws(ReadError) { return .success(try tree.node(at: subject.path).attributes.type) } catch {
      return .failure(error)
    }
  }

  /// What `-xtype` asks for: what a symbolic link leads to, or the link where it is followed anyway.
  private func otherType(_ subject: FindSubject) -> Result<NodeType?, ReadError> {
    let isStart = subject.node.depth == 0
    guard expression.followed == .all || (expression.followed == .named && isStart) else { return targetType(subject) }
    if subject.node.link != nil { return .success(.symbolicLink) }
    guard isStart else { return .success(subject.node.type) }
    do throws(ReadError) {
      return .success(try tree.node(at: subject.path, followsLast: false).attributes.type)
    } catch { return .failure(error) }
  }

  /// What a mount of the image would show as the type.
  private func fileSystem(_ subject: FindSubject) -> String {
    tree.summary(at: subject.node.number)?.type ?? "vitrine"
  }

  // MARK: Tests

  private func holds(_ test: FindTest, _ subject: FindSubject) throws -> Bool {
    switch test {
    case .constant(let value): return value
    case .name(let pattern): return pattern.matches(subject.name)
    case .path(let pattern): return pattern.matches(subject.path)
    case .linkTarget(let pattern): return try target(subject).map { pattern.matches($0) } ?? false
    case .expression(let expression): return expression.matches(subject.path)
    case .type(let types): return types.contains(subject.node.type)
    case .targetType(let types):
      switch otherType(subject) {
      case .success(let type?): return types.contains(type)
      case .failure(let error) where error.leadsNowhere: return types.contains(.symbolicLink)
      default: return false
      }
    case .readable:
      guard case .success = targetType(subject) else { return false }
      return true
    case .fileSystem(let name): return fileSystem(subject) == name
    default: break
    }
    guard let facts = subject.facts else { return false }
    let attributes = facts.attributes
    switch test {
    case .size(let number, let unit): return number.holds(for: HumanSize.units(attributes.size, of: unit))
    case .newer(let time, let reference):
      guard let own = time.time(of: attributes), let other = references[reference] else { return false }
      return other.isBefore(own)
    case .newerThan(let time, let point):
      guard let own = time.time(of: attributes) else { return false }
      return point.isBefore(own)
    case .age(let time, let age):
      guard let own = time.time(of: attributes) else { return false }
      return age.holds(for: self.age(of: own, age.fromEndOfDay))
    case .used(let age):
      guard !attributes.accessed.isBefore(attributes.changed) else { return false }
      return age.holds(for: attributes.accessed.secondsSince(attributes.changed))
    case .permissions(let permissions): return permissions.holds(for: attributes.permissions)
    case .owner(let number): return number.holds(for: UInt64(attributes.owner))
    case .group(let number): return number.holds(for: UInt64(attributes.group))
    case .hasNoUser: return !isKnown(attributes.owner, in: &knownUsers, HostAccounts.hasUser)
    case .hasNoGroup: return !isKnown(attributes.group, in: &knownGroups, HostAccounts.hasGroup)
    case .writable, .executable: return mayBeUsed(test, subject, attributes)
    case .links(let number): return number.holds(for: UInt64(attributes.linkCount))
    case .inode(let number): return number.holds(for: facts.statNumber)
    case .sameFile(let reference): return sameFiles[reference] == facts.number
    case .empty: return try isEmpty(subject, attributes)
    default: return false
    }
  }

  private func isKnown(_ number: UInt32, in known: inout [UInt32: Bool], _ ask: (UInt32) -> Bool) -> Bool {
    if let answer = known[number] { return answer }
    let answer = ask(number)
    if known.count < 1 << 16 { known[number] = answer }
    return answer
  }

  /// What access(2) would say of a read-only mount, in which everything can be read: only what leads out of the
  /// filesystem can be written, and only what has a bit for it executed.
  private func mayBeUsed(_ test: FindTest, _ subject: FindSubject, _ attributes: Attributes) -> Bool {
    var attributes = attributes
    if attributes.type == .symbolicLink {
      guard let target = try? tree.node(at: subject.path) else { return false }
      attributes = target.attributes
    }
    if case .executable = test { return attributes.type == .directory || attributes.permissions & 0o111 != 0 }
    switch attributes.type {
    case .characterDevice, .blockDevice, .fifo, .socket: return true
    case .regular, .directory, .symbolicLink: return false
    }
  }

  /// Seconds since a point in time: negative for one that is still to come.
  private func age(of time: Timestamp, _ fromEndOfDay: Bool) -> Double {
    var end = now
    if fromEndOfDay, let local = LocalTime(now.seconds),
      let midnight = LocalTime.seconds(year: local.year, month: local.month, day: local.day)
    {
      end = Timestamp(seconds: midnight + 86_400)
    }
    return end.secondsSince(time)
  }

  private func isEmpty(_ subject: FindSubject, _ attributes: Attributes) throws -> Bool {
    switch attributes.type {
    case .regular: return attributes.size == 0
    case .directory:
      var reader = FolderReader(of: subject.node.number, in: tree)
      do { return try reader.next() == nil } catch {
        try problems.report(error, at: subject.path)
        return false
      }
    default: return false
    }
  }
}

extension Timestamp {
  /// Negative for a point in time that is still to come then.
  fileprivate func secondsSince(_ other: Timestamp) -> Double {
    let (whole, overflow) = seconds.subtractingReportingOverflow(other.seconds)
    guard !overflow else { return seconds < other.seconds ? -.infinity : .infinity }
    return Double(whole) + (Double(nanoseconds) - Double(other.nanoseconds)) / 1e9
  }
}

/// A node that an expression is evaluated for.
struct FindSubject {
  let node: TreeWalk.Node
  let facts: NodeFacts?
  let path: [UInt8]
  /// The path that the walk began with.
  let start: [UInt8]

  /// The last part of the path, without slashes behind it.
  var name: ArraySlice<UInt8> {
    guard node.depth == 0 else { return node.name }
    guard let end = path.lastIndex(where: { $0 != UInt8(ascii: "/") }) else { return path.prefix(1) }
    let begin = path[...end].lastIndex(of: UInt8(ascii: "/")).map { $0 + 1 } ?? 0
    return path[begin...end]
  }
}
