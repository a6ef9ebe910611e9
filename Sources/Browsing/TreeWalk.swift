internal import BlockDevices
public import Bytes
public import FileSystems
internal import SystemPackage

/// Walks a part of a tree: a folder before what is in it, and again behind it for those who ask for that.
///
///     var walk = TreeWalk(of: tree, from: start, named: path)
///     while let event = walk.next() {
///       switch event {
///       case .node(let node): …      // `walk.path` is its path
///       case .left: …                // with `reportsLeaving` only
///       case .failed(let error): …   // of what `walk.path` names; the walk goes on
///       }
///     }
///
/// Walks need no recursion, and memory within a budget, however many files there are, however large the folders and
/// however deep they lie. Symbolic links are told, and followed only for those who ask for that. Two walks can go side by side: each `next` does
/// one step. A walk by name of two trees goes through them in the same order, so that their differences can be told in
/// one pass.
///
/// A tree that is none is told as damaged, where it ceases to be one: a folder that lies within itself, and more folders
/// than the filesystem has inodes.
public struct TreeWalk: Sendable {
  public struct Options: Sendable {
    /// The order within a folder.
    public var order = FolderOrder.listed
    /// Whether `.left` is told of each folder, unless `skipContents` was called.
    public var reportsLeaving = false
    /// Whether each node's facts are looked up: a node that cannot be read then is `.failed`. Without, they are only
    /// for what the folder does not say the type of.
    public var needsFacts = true
    /// What is done with symbolic links below the start.
    public var links = Links.told
    /// Levels below the start that are told; nil for all.
    public var maximumDepth: Int?
    /// Leaves out entries that this answers false for, with all that is in them.
    public var includes: (@Sendable (RawSpan, ListedEntry) -> Bool)?
    /// Bytes of memory that a walk may take.
    public var budget = 64 << 20

    public init() {}
  }

  public enum Links: Sendable {
    /// They are nodes as others.
    case told
    /// What they lead to is told in their place, and entered; where that is nothing, it is `.failed`.
    case followed
    /// The same, but for those that lead nowhere: they are told themselves.
    case followedWhereTheyLead
  }

  /// A node on the way.
  public struct Node: Sendable {
    /// The last part of the path; the start's is the path it was given.
    public let name: ArraySlice<UInt8>
    public let number: UInt64
    /// `st_ino`.
    public let statNumber: UInt64
    public let type: NodeType
    /// nil where they were neither asked for nor needed.
    public let facts: NodeFacts?
    /// The symbolic link that was followed to it, if any.
    public var link: NodeFacts?
    /// 0 for the start.
    public let depth: Int
    /// Whether no other entry of its folder follows.
    public let isLast: Bool
  }

  public enum Event: Sendable {
    /// Each node once. A folder is entered next, unless `skipContents` is called.
    case node(Node)
    /// What was in a folder has been told, as far as it could be.
    case left(Node)
    /// The node that `path` names could not be read, or the rest of the folder could not be listed.
    case failed(ReadError)
  }

  /// Of what `next` has told last: the start's path as it was given, and the names behind it, with slashes between.
  public private(set) var path: [UInt8]

  private struct Frame: Sendable {
    let node: Node
    var reader: FolderReader
    let pathLength: Int
    var heldSize: Int
  }

  private let tree: Tree
  private let options: Options
  private let start: NodeFacts
  private var frames: [Frame] = []
  /// Numbers of the folders that are entered.
  private var ancestors: Set<UInt64> = []
  /// A folder that was told, and is entered next.
  private var pending: Node?
  /// A folder of which nothing more is to be told.
  private var finished: Node?
  private var isStarted = false
  private var foldersLeft: UInt64
  /// Bytes that all frames hold.
  private var heldSize = 0

  /// Bytes of memory that a folder takes that is entered, beside its entries and its part of the path.
  private static let frameSize = 512

  /// - Parameters:
  ///   - start: what `Tree.node(at:)` has found.
  ///   - path: how it is to be called: the beginning of all paths.
  public init(of tree: Tree, from start: NodeFacts, named path: [UInt8], options: Options = Options()) {
    self.tree = tree
    self.options = options
    self.start = start
    self.path = path
    // Through links, a folder is met as often as there are ways to it: twice as many with each level, if someone likes.
    foldersLeft = options.links == .told ? tree.mostFolders : max(tree.mostFolders, Self.mostFoldersThroughLinks)
  }

  private static let mostFoldersThroughLinks: UInt64 = 1 << 24

  /// The next event; nil at the end.
  public mutating func next() -> Event? {
    if !isStarted {
      isStarted = true
      return tell(
        Node(
          name: path[...], number: start.number, statNumber: start.statNumber, type: start.attributes.type,
          facts: start, depth: 0, isLast: true))
    }
    if let folder = pending {
      pending = nil
      if let failure = enter(folder) {
        finished = folder
        return .failed(failure)
      }
    }
    if let folder = finished {
      finished = nil
      if options.reportsLeaving { return .left(folder) }
    }
    while !frames.isEmpty {
      let top = frames.count - 1
      path.removeLast(path.count - frames[top].pathLength)
      do throws(ReadError) {
        if let entry = try frames[top].reader.next() {
          account(for: top)
          return visit(entry, in: top)
        }
      } catch { return .failed(error) }
      let left = frames.removeLast()
      heldSize -= left.heldSize
      ancestors.remove(left.node.number)
      if options.reportsLeaving { return .left(left.node) }
    }
    return nil
  }

  /// Does not enter the folder that was told last.
  public mutating func skipContents() {
    pending = nil
    finished = nil
  }

  private mutating func tell(_ node: Node) -> Event {
    guard node.type == .directory else { return .node(node) }
    if node.depth < options.maximumDepth ?? .max { pending = node } else { finished = node }
    return .node(node)
  }

  private mutating func visit(_ entry: FolderEntry, in top: Int) -> Event {
    if path.last != UInt8(ascii: "/") { path.append(UInt8(ascii: "/")) }
    path += entry.name
    var facts: NodeFacts?
    if options.needsFacts || entry.type == nil {
      do { facts = try tree.facts(of: entry.number) } catch { return .failed(error) }
    }
    // The folder says what its entry is; the node itself knows better.
    guard var type = facts?.attributes.type ?? entry.type else { return .failed(.corrupt("node", at: entry.number)) }
    var link: NodeFacts?
    if type == .symbolicLink && options.links != .told {
      do {
        let end = try follow(entry, facts, in: frames[top].node.number)
        if let end { (link, facts, type) = (end.link, end.facts, end.facts.attributes.type) }
      } catch { return .failed(error) }
    }
    // Where the rest cannot be listed, that is told with the next step.
    let isLast = frames[top].reader.isAtEnd()
    return tell(
      Node(
        name: entry.name, number: link == nil ? entry.number : facts?.number ?? entry.number,
        statNumber: link == nil ? entry.statNumber : facts?.statNumber ?? entry.statNumber, type: type, facts: facts,
        link: link, depth: frames.count, isLast: isLast))
  }

  /// Where a symbolic link leads; nil for one that leads nowhere, where such are told themselves.
  private func follow(
    _ entry: FolderEntry, _ known: NodeFacts?, in folder: UInt64
  ) throws(ReadError) -> (link: NodeFacts, facts: NodeFacts)? {
    let link: NodeFacts
    if let known { link = known } else { link = try tree.facts(of: entry.number) }
    let end: NodeFacts
    do throws(ReadError) { end = try tree.linkEnd(of: entry.number, in: folder) } catch {
      guard options.links == .followedWhereTheyLead, error.leadsNowhere else { throw error }
      return nil
    }
    // A folder that the walk is in would be entered again and again.
    guard end.attributes.type != .directory || !ancestors.contains(end.number) else {
      throw .io(.tooManySymbolicLinkLevels, "path")
    }
    return (link, end)
  }

  /// Enters a folder, or says why not.
  private mutating func enter(_ folder: Node) -> ReadError? {
    guard !ancestors.contains(folder.number) else {
      return .corrupt("folder, which lies within itself", at: folder.statNumber)
    }
    guard foldersLeft > 0 else {
      return options.links == .told
        ? .corrupt("tree: it has more folders than there are inodes", at: nil)
        : .unsupported("number of ways through symbolic links", at: nil)
    }
    foldersLeft -= 1
    let needed = Self.frameSize + folder.name.count
    if heldSize + needed > options.budget { release() }
    guard heldSize + needed <= options.budget else { return .unsupported("folder as deep as this", at: nil) }
    ancestors.insert(folder.number)
    // A name of its own: as part of its folder's names it would keep all of them in memory.
    let folder = Node(
      name: Array(folder.name)[...], number: folder.number, statNumber: folder.statNumber, type: folder.type,
      facts: folder.facts, link: folder.link, depth: folder.depth, isLast: folder.isLast)
    let reader = FolderReader(
      of: folder.number, in: tree, order: options.order, budget: options.budget / 4,
      followsLinks: options.links != .told, includes: options.includes)
    frames.append(Frame(node: folder, reader: reader, pathLength: path.count, heldSize: needed))
    heldSize += needed
    return nil
  }

  /// Keeps the count of what the frames hold, and lets go of entries where that is too much.
  private mutating func account(for top: Int) {
    let size = Self.frameSize + frames[top].node.name.count + frames[top].reader.heldSize
    guard size != frames[top].heldSize else { return }
    heldSize += size - frames[top].heldSize
    frames[top].heldSize = size
    if heldSize > options.budget { release() }
  }

  /// Lets go of the entries of all folders but the innermost: they are listed again when the walk comes back to them.
  private mutating func release() {
    for index in frames.indices.dropLast() {
      frames[index].reader.release()
      let size = Self.frameSize + frames[index].node.name.count + frames[index].reader.heldSize
      heldSize += size - frames[index].heldSize
      frames[index].heldSize = size
    }
  }
}

extension ReadError {
  /// Whether it tells of a path at whose end there is nothing.
  public var leadsNowhere: Bool {
    guard case .io(let error) = cause else { return false }
    return error == .noSuchFileOrDirectory || error == .notDirectory
  }
}

extension Tree {
  /// The most folders that a walk can meet: each is a node of its filesystem.
  var mostFolders: UInt64 {
    fileSystems.reduce(UInt64(made.count) + 1) { sum, fileSystem in
      let summary = fileSystem.summary
      // Where the format has no table of nodes, each takes some bytes at least.
      let count = summary.inodeCount > 0 ? summary.inodeCount : fileSystem.device.size / 16 + 1
      let (total, overflow) = sum.addingReportingOverflow(count)
      return overflow ? .max : total
    }
  }
}
