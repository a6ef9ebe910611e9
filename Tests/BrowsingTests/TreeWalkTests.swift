import BlockDevices
@testable import Browsing
import Bytes
import FileSystems
import Synchronization
import SystemPackage
import TestSupport
import Testing

/// A filesystem whose folders are computed: `children` gives what is in one.
private final class ComputedFileSystem: FileSystem {
  static let typeNames = ["computed"]
  let device: any BlockDevice
  let root = NodeID(1)
  let inodeCount: UInt64
  let children: @Sendable (UInt64) -> [(name: String, node: UInt64)]?
  let listings = Atomic<Int>(0)

  init(
    on device: any BlockDevice, inodeCount: UInt64 = 1 << 40,
    _ children: @escaping @Sendable (UInt64) -> [(name: String, node: UInt64)]?
  ) {
    self.device = device
    self.inodeCount = inodeCount
    self.children = children
  }

  convenience init(reading device: any BlockDevice, options: OpenOptions) throws(OpenError) { throw .notRecognized }

  var summary: FileSystemSummary {
    FileSystemSummary(
      type: "computed", blockSize: 1024, blockCount: 1, freeBlockCount: 0, availableBlockCount: 0,
      inodeCount: inodeCount, freeInodeCount: 0, size: device.size)
  }

  func lookup(_ name: RawSpan, in directory: NodeID) throws(ReadError) -> NodeID? {
    let name = name.array
    return children(directory.rawValue)?.first { Array($0.name.utf8) == name }.map { NodeID($0.node) }
  }

  func attributes(of node: NodeID) throws(ReadError) -> Attributes {
    let time = Timestamp(seconds: Int64(node.rawValue))
    return Attributes(
      type: children(node.rawValue) == nil ? .regular : .directory, permissions: 0o755, linkCount: 1, owner: 0,
      group: 0,
      size: node.rawValue, allocatedSize: 0, accessed: time, modified: time, changed: time)
  }

  func parent(of directory: NodeID) throws(ReadError) -> NodeID { root }

  func list(
    _ directory: NodeID, from cookie: UInt64, _ visit: (RawSpan, DirectoryEntry) -> Bool
  ) throws(ReadError) {
    listings.wrappingAdd(1, ordering: .relaxed)
    guard let entries = children(directory.rawValue) else { throw .io(.notDirectory, "node") }
    for (index, entry) in entries.enumerated().dropFirst(Int(clamping: cookie)) {
      // A folder that breaks off.
      if entry.name == "broken" { throw .corrupt("directory", at: directory.rawValue) }
      let told = DirectoryEntry(node: NodeID(entry.node), type: nil, cookie: UInt64(index) + 1)
      guard visit(Array(entry.name.utf8).rawSpan, told) else { return }
    }
  }

  func linkTarget(of node: NodeID) throws(ReadError) -> [UInt8] { throw .io(.invalidArgument, "node") }
  func map(_ node: NodeID, _ range: Range<UInt64>, into extents: inout ExtentList) throws(ReadError) {}
  func decode(_ unit: EncodedUnit, into out: inout OutputRawSpan) throws(ReadError) {}
  func extendedAttributeNames(of node: NodeID) throws(ReadError) -> [[UInt8]] { [] }
  func extendedAttribute(_ name: RawSpan, of node: NodeID) throws(ReadError) -> [UInt8]? { nil }
}

@Suite struct TreeWalkTests {
  private let device: HostFile
  /// 6000 names, in no order, of which each number divisible by 1000 is a folder of one file.
  private static let many: [(name: String, node: UInt64)] = (0..<6000).map { index in
    let number = UInt64(index) * 7919 % 6000
    return ("name-\(number)-\(String(repeating: "n", count: 40))", number + 10)
  }

  init() throws { device = try HostFile(opening: "/proc/self/exe") }

  private func large() -> ComputedFileSystem {
    ComputedFileSystem(on: device) { number in
      if number == 1 { return Self.many }
      if number > 100_000 { return nil }
      return (number - 10) % 1000 == 0 ? [("inside", number + 200_000)] : nil
    }
  }

  private func names(_ reader: FolderReader) throws -> [String] {
    var reader = reader
    var names: [String] = []
    while let entry = try reader.next() { names.append(String(decoding: entry.name, as: UTF8.self)) }
    return names
  }

  @Test func aFolderIsToldInEachOrderWithinItsBudget() throws {
    let tree = Tree(of: large())
    let listed = Self.many.map(\.name)
    let sorted = listed.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    // Some megabytes of entries, and so with the smaller budget in a hundred parts.
    for budget in [1 << 26, 64 << 10] {
      #expect(try names(FolderReader(of: 1, in: tree, order: .listed, budget: budget)) == listed)
      #expect(try names(FolderReader(of: 1, in: tree, order: .byName(), budget: budget)) == sorted)
      #expect(
        try names(FolderReader(of: 1, in: tree, order: .byName(reversed: true), budget: budget)) == sorted.reversed())
      let bySize = Self.many.sorted { $0.node > $1.node }.map(\.name)
      #expect(try names(FolderReader(of: 1, in: tree, order: .bySize(), budget: budget)) == bySize)
      #expect(
        try names(FolderReader(of: 1, in: tree, order: .byTime(.modified, reversed: true), budget: budget))
          == bySize.reversed())
    }
  }

  @Test(arguments: [FolderOrder.listed, .byName(), .byName(reversed: true), .byTime(.changed)])
  func whatWasLetGoOfIsListedAgain(_ order: FolderOrder) throws {
    let tree = Tree(of: large())
    let whole = try names(FolderReader(of: 1, in: tree, order: order))
    for step in [1, 37, 1999] {
      var reader = FolderReader(of: 1, in: tree, order: order, budget: 64 << 10)
      var found: [String] = []
      reader.release()
      while let entry = try reader.next() {
        found.append(String(decoding: entry.name, as: UTF8.self))
        // Not too often: each time lists all of it.
        if found.count % step == 0 && found.count < 5000 && found.count / step < 50 { reader.release() }
      }
      #expect(found == whole)
    }
  }

  @Test func memoryOfAWalkIsBounded() throws {
    let fileSystem = large()
    let tree = Tree(of: fileSystem)
    var options = TreeWalk.Options()
    options.order = .byName()
    options.needsFacts = false
    var paths: [[[UInt8]]] = []
    for budget in [1 << 26, 256 << 10] {
      options.budget = budget
      var walk = TreeWalk(of: tree, from: try tree.facts(of: 1), named: Array("/".utf8), options: options)
      var found: [[UInt8]] = []
      while let event = walk.next() {
        if case .node = event { found.append(walk.path) }
      }
      paths.append(found)
    }
    #expect(paths[0].count == 6000 + 1 + 6)
    #expect(paths[0] == paths[1])
  }

  @Test func aDeepTreeIsWalkedWithoutRecursion() throws {
    let depth: UInt64 = 30_000
    let tree = Tree(
      of: ComputedFileSystem(on: device) { number in number <= depth ? [("d", number + 1)] : nil })
    var options = TreeWalk.Options()
    options.reportsLeaving = true
    options.budget = 128 << 20
    var walk = TreeWalk(of: tree, from: try tree.facts(of: 1), named: Array("/".utf8), options: options)
    var nodes = 0
    var left = 0
    var longest = 0
    while let event = walk.next() {
      switch event {
      case .node: nodes += 1
      case .left: left += 1
      case .failed(let error): Issue.record("\(error)")
      }
      longest = max(longest, walk.path.count)
    }
    #expect(nodes == Int(depth) + 1 && left == Int(depth))
    #expect(longest == Int(depth) * 2)

    // Deeper than there is memory for is an error on that folder, not the end of the program.
    options.budget = 1 << 20
    var narrow = TreeWalk(of: tree, from: try tree.facts(of: 1), named: Array("/".utf8), options: options)
    var failures: [ReadError] = []
    while let event = narrow.next() {
      if case .failed(let error) = event { failures.append(error) }
    }
    #expect(failures.count == 1 && failures.first?.cause == .unsupported)
  }

  @Test func aFolderWithinItselfIsDamage() throws {
    let tree = Tree(
      of: ComputedFileSystem(on: device) { number in
        switch number {
        case 1: [("a", 2), ("z", 9)]
        case 2: [("b", 3)]
        case 3: [("again", 2), ("top", 1), ("file", 8)]
        default: nil
        }
      })
    var walk = TreeWalk(of: tree, from: try tree.facts(of: 1), named: Array("/".utf8))
    var paths: [String] = []
    var failed: [String] = []
    while let event = walk.next() {
      let path = String(decoding: walk.path, as: UTF8.self)
      switch event {
      case .node: paths.append(path)
      case .failed(let error):
        #expect(error.cause == .corrupt)
        failed.append(path)
      case .left: break
      }
    }
    #expect(paths == ["/", "/a", "/a/b", "/a/b/again", "/a/b/top", "/a/b/file", "/z"])
    #expect(failed == ["/a/b/again", "/a/b/top"])
  }

  /// Two names for each folder, sixty levels deep: nobody would see the end of it.
  @Test func moreFoldersThanInodesAreDamage() throws {
    let tree = Tree(
      of: ComputedFileSystem(on: device, inodeCount: 1000) { number in
        number < 60 ? [("one", number + 1), ("two", number + 1)] : nil
      })
    var walk = TreeWalk(of: tree, from: try tree.facts(of: 1), named: Array("/".utf8))
    var nodes = 0
    var failures = 0
    while let event = walk.next() {
      switch event {
      case .node: nodes += 1
      case .failed: failures += 1
      case .left: break
      }
    }
    #expect(nodes < 5000 && failures > 0)
  }

  @Test func oneBadFolderDoesNotHideTheRest() throws {
    let tree = Tree(
      of: ComputedFileSystem(on: device) { number in
        switch number {
        case 1: [("a", 2), ("b", 3)]
        case 2: [("good", 8), ("broken", 9), ("hidden", 10)]
        case 3: [("good", 11)]
        default: nil
        }
      })
    for order in [FolderOrder.listed, .byName()] {
      var options = TreeWalk.Options()
      options.order = order
      options.reportsLeaving = true
      var walk = TreeWalk(of: tree, from: try tree.facts(of: 1), named: Array("top".utf8), options: options)
      var events: [String] = []
      while let event = walk.next() {
        let path = String(decoding: walk.path, as: UTF8.self)
        switch event {
        case .node(let node):
          events.append("\(path)\(node.isLast ? " last" : "")")
          #expect(Array(path.split(separator: "/").last!.utf8) == Array(node.name))
        case .left: events.append("left \(path)")
        case .failed: events.append("failed \(path)")
        }
      }
      #expect(
        events == [
          "top last", "top/a", "top/a/good", "failed top/a", "left top/a", "top/b last", "top/b/good last",
          "left top/b",
          "left top",
        ])
    }
  }

  @Test func walksCanBeHeldBack() throws {
    let tree = Tree(of: large())
    var options = TreeWalk.Options()
    options.maximumDepth = 1
    options.reportsLeaving = true
    var walk = TreeWalk(of: tree, from: try tree.facts(of: 1), named: Array("/".utf8), options: options)
    var inside = 0
    var left = 0
    while let event = walk.next() {
      switch event {
      case .node(let node):
        if node.depth > 1 { inside += 1 }
        if node.number & 0xFFFF_FFFF == 10 { walk.skipContents() }
      case .left: left += 1
      case .failed(let error): Issue.record("\(error)")
      }
    }
    // Of six folders at the greatest depth one was skipped; the start is left, too.
    #expect(inside == 0 && left == 6)
  }

  @Test func nodesWithSeveralNamesAreMetOnce() throws {
    var seen = SeenLinks()
    func facts(_ number: UInt64, links: UInt32) -> NodeFacts {
      let time = Timestamp(seconds: 0)
      return NodeFacts(
        number: number, statNumber: number,
        attributes: Attributes(
          type: .regular, permissions: 0, linkCount: links, owner: 0, group: 0, size: 0, allocatedSize: 0,
          accessed: time, modified: time, changed: time))
    }
    // When all its names were met, a node is forgotten.
    let answers = [(1, 1), (1, 1), (2, 3), (2, 3), (2, 3), (2, 3)].map { (number: UInt64, links: UInt32) in
      seen.isNew(facts(number, links: links))
    }
    #expect(answers == [true, true, true, false, false, true])
    #expect(!seen.hasOverflowed)
    for number in 10..<UInt64(SeenLinks.limit + 20) { _ = seen.isNew(facts(number, links: 2)) }
    #expect(seen.hasOverflowed)
  }
}
