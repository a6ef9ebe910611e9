import BlockDevices
import Bytes
import FileSystems

/// A broken promise of the code under test: said, and the process ends.
func fail(_ what: String) -> Never {
  say("broken contract: \(what)")
  leave(3)
}

/// Uses everything that a filesystem offers, within bounds that count work rather than time, so that a walk is the
/// same whenever it is repeated. Errors are expected; broken promises are not.
struct Walk {
  let fileSystem: any FileSystem
  var random: Random
  /// Whether files are read, too; without, only metadata are.
  let readsFiles: Bool
  /// Stops a walk that goes round and round.
  var nodesLeft = 400
  /// Names looked up, over the whole walk.
  var lookupsLeft = 600
  var bytesLeft = 4 << 20
  /// Where not nil, what was answered: see `Answers`.
  var answers: Answers?
  private(set) var visited: [NodeID] = []
  /// Of those that could be read.
  private(set) var nodeCount = 0

  init(_ fileSystem: any FileSystem, seed: UInt64, readsFiles: Bool) {
    self.fileSystem = fileSystem
    random = Random(seed: seed)
    self.readsFiles = readsFiles
  }

  mutating func run() {
    _ = fileSystem.summary
    var queue = [fileSystem.root]
    var seen: Set<NodeID> = [fileSystem.root]
    var next = 0
    while next < queue.count, nodesLeft > 0 {
      let node = queue[next]
      next += 1
      visited.append(node)
      nodesLeft -= 1
      for child in visit(node) where queue.count < 4000 && seen.insert(child).inserted { queue.append(child) }
    }
    // Numbers which no directory named: a kernel may hold them longer than the image does.
    for raw in [0, 1, 3, 5, 7, 8, 11, UInt64(UInt32.max), NodeID.limit - 1] { _ = visit(NodeID(raw)) }
    for _ in 0..<8 { _ = visit(NodeID(random.next() % 4096)) }
  }

  /// The directory's children, for what is a directory.
  private mutating func visit(_ node: NodeID) -> [NodeID] {
    let attributes: Attributes
    do { attributes = try fileSystem.attributes(of: node) } catch { return [] }
    nodeCount += 1
    answers?.note("attributes of \(node.rawValue)", attributes)
    if attributes.permissions > 0o7777 { fail("permissions \(attributes.permissions) of \(node)") }
    for time in [attributes.accessed, attributes.modified, attributes.changed] where time.nanoseconds >= 1_000_000_000 {
      fail("nanoseconds \(time.nanoseconds) of \(node)")
    }
    visitExtendedAttributes(of: node)
    switch attributes.type {
    case .directory:
      _ = try? fileSystem.parent(of: node)
      return visitDirectory(node)
    case .symbolicLink:
      if let target = try? fileSystem.linkTarget(of: node) {
        if target.count > 4095 || target.contains(0) { fail("target of link \(node)") }
        // A longer one lies in a block of its own, which no checksum covers.
        if target.count < 60 { answers?.note("target of \(node.rawValue)", target) }
      }
    case .regular:
      visitFile(node, size: attributes.size)
    default: break
    }
    // What is asked of a node of another type must fail, not trap.
    _ = try? fileSystem.linkTarget(of: node)
    _ = try? fileSystem.lookup(Array("x".utf8).rawSpan, in: node)
    try? fileSystem.list(node, from: 0) { _, _ in false }
    return []
  }

  private mutating func visitDirectory(_ directory: NodeID) -> [NodeID] {
    var children: [NodeID] = []
    var names: [[UInt8]] = []
    var cookie: UInt64 = 0
    var entriesLeft = 3000
    let longestName = Int(fileSystem.summary.maximumNameLength)
    while entriesLeft > 0 {
      // In parts, as a kernel asks: each goes on behind the last entry.
      var part = 0
      do {
        try fileSystem.list(directory, from: cookie) { name, entry in
          if part == 100 { return false }
          part += 1
          if name.byteCount == 0 || name.byteCount > longestName { fail("length of a name in \(directory)") }
          for index in 0..<name.byteCount where name[index] == 0 || name[index] == UInt8(ascii: "/") {
            fail("name in \(directory)")
          }
          if entry.cookie == 0 || entry.cookie >= 1 << 63 - 2 { fail("cookie \(entry.cookie) in \(directory)") }
          if entry.cookie == cookie { fail("cookie \(cookie) of \(directory) does not go on") }
          if entry.node.rawValue >= NodeID.limit { fail("node \(entry.node) in \(directory)") }
          cookie = entry.cookie
          answers?.note("entry \(children.count) of \(directory.rawValue)", [name.array, "\(entry)".utf8.map { $0 }])
          children.append(entry.node)
          if names.count < 40 { names.append(name.array) }
          return true
        }
      } catch { break }
      entriesLeft -= part
      if part == 0 {
        answers?.note("number of entries of \(directory.rawValue)", children.count)
        break
      }
    }
    for name in names where lookupsLeft > 0 {
      lookupsLeft -= 1
      if let found = try? fileSystem.lookup(name.rawSpan, in: directory) {
        answers?.note("\(name) in \(directory.rawValue)", found)
      }
    }
    for name in ["", ".", "..", "no such name", "a/b", String(repeating: "x", count: 300)] {
      _ = try? fileSystem.lookup(Array(name.utf8).rawSpan, in: directory)
    }
    for cookie in [1, random.next() >> 1, random.next() % 65536, 1 << 63 - 3, .max] {
      try? fileSystem.list(directory, from: cookie) { _, _ in random.oneIn(20) ? false : true }
    }
    return children
  }

  private mutating func visitExtendedAttributes(of node: NodeID) {
    let names = try? fileSystem.extendedAttributeNames(of: node)
    if let names { answers?.note("names of attributes of \(node.rawValue)", names) }
    for name in names ?? [] {
      if name.isEmpty || name.contains(0) { fail("name of an extended attribute of \(node)") }
      if let value = try? fileSystem.extendedAttribute(name.rawSpan, of: node) {
        if value.count > 1 << 24 { fail("size of an extended attribute of \(node)") }
        answers?.note("attribute \(name) of \(node.rawValue)", value)
      }
    }
    _ = try? fileSystem.extendedAttribute(Array("user.none".utf8).rawSpan, of: node)
  }

  private mutating func visitFile(_ node: NodeID, size: UInt64) {
    guard size > 0 else { return }
    var starts: [UInt64] = [0, size - 1, size / 2]
    for _ in 0..<3 { starts.append(random.next() % size) }
    for start in starts { checkMap(node, from: start, to: size) }
    guard readsFiles, let file = try? fileSystem.file(node) else { return }
    for start in starts where bytesLeft > 0 {
      let count = Int(min(size - start, 65536))
      bytesLeft -= count
      if let bytes = try? file.bytes(count, at: start), bytes.count != count { fail("length read of \(node)") }
    }
  }

  /// The contract of `ExtentMap.map`.
  private mutating func checkMap(_ node: NodeID, from start: UInt64, to size: UInt64) {
    var position = start
    var list = ExtentList(limit: 32)
    for _ in 0..<20 where position < size {
      list.removeAll()
      do { try fileSystem.map(node, position..<size, into: &list) } catch { return }
      if list.length == 0 || list.extents.isEmpty { fail("map of \(node) at \(position) says nothing") }
      if list.extents.count > list.limit { fail("map of \(node) at \(position) says too much") }
      if list.length > size - position { fail("map of \(node) at \(position) goes past the end") }
      if list.length < size - position && !list.isFull { fail("map of \(node) at \(position) stops early") }
      answers?.note("map of \(node.rawValue) at \(position)", list.extents.map { "\($0)" })
      for extent in list.extents {
        switch extent.kind {
        case .hole, .unwritten: break
        case .mapped(let source, let offset):
          if !fileSystem.sources.indices.contains(source) { fail("source \(source) in the map of \(node)") }
          if offset.addingReportingOverflow(extent.length).overflow { fail("offset \(offset) in the map of \(node)") }
        case .encoded(let unit, let skip):
          if unit.size < 0 || unit.size > 1 << 24 || skip < 0
            || UInt64(unit.size - min(skip, unit.size)) < extent.length
          {
            fail("unit \(unit) in the map of \(node)")
          }
          // Traps where there is more of it than it says.
          _ = try? DecodableUnit(unit, of: fileSystem, in: nil).decoded()
        }
      }
      position += list.length
    }
  }
}
