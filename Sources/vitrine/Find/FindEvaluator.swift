internal import Browsing
internal import Bytes
internal import FileSystems

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
      sameFiles[reference] = (try? tree.node(at: reference.path, followsLast: false))?.number
    }
  }

  func search(from start: NodeFacts, named path: [UInt8]) throws {
    var options = TreeWalk.Options()
    options.needsFacts = false
    options.reportsLeaving = expression.isDepthFirst
    options.maximumDepth = expression.maximumDepth
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
      try output.write(format.text(subject, facts, target: try target(subject), isTerminal: output.isTerminal))
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

  // MARK: Tests

  private func holds(_ test: FindTest, _ subject: FindSubject) throws -> Bool {
    switch test {
    case .constant(let value): return value
    case .name(let pattern): return pattern.matches(subject.name)
    case .path(let pattern): return pattern.matches(subject.path)
    case .linkTarget(let pattern): return try target(subject).map { pattern.matches($0) } ?? false
    case .type(let types): return types.contains(subject.node.type)
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
    case .age(let time, let number, let unit, let fromMidnight):
      guard let own = time.time(of: attributes) else { return false }
      return number.holds(for: age(of: own, unit, fromMidnight))
    case .permissions(let permissions): return permissions.holds(for: attributes.permissions)
    case .owner(let number): return number.holds(for: UInt64(attributes.owner))
    case .group(let number): return number.holds(for: UInt64(attributes.group))
    case .links(let number): return number.holds(for: UInt64(attributes.linkCount))
    case .inode(let number): return number.holds(for: facts.statNumber)
    case .sameFile(let reference): return sameFiles[reference] == facts.number
    case .empty: return try isEmpty(subject, attributes)
    default: return false
    }
  }

  /// Whole units of time since a point: negative for one that is still to come.
  private func age(of time: Timestamp, _ unit: Int64, _ fromMidnight: Bool) -> Int64 {
    var end = now
    if fromMidnight, let local = LocalTime(now.seconds),
      let midnight = LocalTime.seconds(year: local.year, month: local.month, day: local.day)
    {
      // As find(1) has it, days then end with today.
      end = Timestamp(seconds: midnight + 86_400)
    }
    var (seconds, overflow) = end.seconds.subtractingReportingOverflow(time.seconds)
    guard !overflow else { return end.seconds < time.seconds ? .min : .max }
    if end.nanoseconds < time.nanoseconds { seconds -= 1 }
    let quotient = seconds / unit
    return seconds % unit < 0 ? quotient - 1 : quotient
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
