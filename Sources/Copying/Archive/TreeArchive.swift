internal import BlockDevices
public import Browsing
internal import Bytes
internal import FileSystems
public import SystemPackage

/// Writes parts of a tree as an archive: pax (POSIX.1-2001), which GNU tar and libarchive read with all that is in it.
///
/// The same tree always gives the same bytes. Names come in order; a second file of one name in a folder, which only a
/// damaged image has, is left out: whoever unpacks the archive must not find a link where a folder was.
public final class TreeArchive {
  private let tree: Tree
  private let choice: MemberChoice
  private let observer: any CopyObserver
  private let output: ArchiveOutput
  private var links = ArchivedLinks()
  /// The name that was told last on each level.
  private var lastNames: [[UInt8]] = []

  /// - Parameter descriptor: is open for writing as long as this object is used.
  public init(
    of tree: Tree, to descriptor: FileDescriptor, choosing choice: MemberChoice = MemberChoice(),
    observer: any CopyObserver
  ) {
    self.tree = tree
    self.choice = choice
    self.observer = observer
    output = ArchiveOutput(to: descriptor, of: tree)
  }

  public var notices: [String] {
    links.hasOverflowed
      ? ["there are too many files with several names to keep track of: some are in the archive more than once"] : []
  }

  /// Adds what `start` is, with all that is in it, as `name`; without a name, it is the archive's top.
  /// - Throws: what ends the archive. All other failures are the observer's.
  public func add(_ start: NodeFacts, from path: [UInt8], as name: [UInt8]) throws(CopyFailure) {
    var options = TreeWalk.Options()
    options.order = .byName()
    var walk = TreeWalk(of: tree, from: start, named: path, options: options)
    lastNames.removeAll()
    while let event = walk.next() {
      if Interruption.isNoted { throw .interrupted }
      switch event {
      case .node(let node):
        do throws(CopyFailure) {
          try check(node)
          if node.depth > 0 && choice.leavesOut(walk.path) {
            walk.skipContents()
            continue
          }
          guard let member = choice.name(Self.memberName(name, walk.path.dropFirst(path.count))) else { continue }
          try add(node, as: Self.portableName(member))
          if let error = unread {
            unread = nil
            throw .zerosInstead(error)
          }
          observer.copied(walk.path) { member }
        } catch {
          if node.type == .directory { walk.skipContents() }
          try report(error, at: walk.path)
        }
      case .left: break
      case .failed(let error): try report(.reading(error), at: walk.path)
      }
    }
  }

  /// Writes the archive's end.
  public func finish() throws(CopyFailure) {
    // Two blocks of zeros, and as many more as make a record of twenty.
    let record = UInt64(20 * TarHeader.blockSize)
    let end = output.length + UInt64(2 * TarHeader.blockSize)
    try output.writeZeros(2 * TarHeader.blockSize + Int((record - end % record) % record))
    try output.flush()
  }

  private func report(_ failure: CopyFailure, at path: [UInt8]) throws(CopyFailure) {
    if failure.endsArchive { throw failure }
    observer.failed(failure, at: path) { [] }
  }

  /// The start's name, and behind it what the path of a walk has behind the start's.
  private static func memberName(_ name: [UInt8], _ rest: ArraySlice<UInt8>) -> [UInt8] {
    let slash = UInt8(ascii: "/")
    let rest = rest.first == slash ? rest.dropFirst() : rest
    if rest.isEmpty { return name.isEmpty ? [UInt8(ascii: ".")] : name }
    return name.isEmpty ? Array(rest) : name + [slash] + rest
  }

  /// A name that stays one wherever the archive is unpacked: bsdtar(1) takes what looks like the start of a path of
  /// another system ("c:", "\\") away, unless something stands in front.
  private static func portableName(_ name: [UInt8]) -> [UInt8] {
    let isDrive = name.count > 1 && name[1] == UInt8(ascii: ":") && name[0].isLetter
    return isDrive || name.first == UInt8(ascii: "\\") ? Array("./".utf8) + name : name
  }

  /// Whether the name can be one, and nothing else in its folder has it.
  private func check(_ node: TreeWalk.Node) throws(CopyFailure) {
    guard node.depth > 0 else { return }
    let name = Array(node.name)
    guard TreeCopy.isPossible(name) else { throw .impossibleName }
    if lastNames.count > node.depth { lastNames.removeLast(lastNames.count - node.depth) }
    if lastNames.count == node.depth {
      if lastNames[node.depth - 1] == name { throw .secondName }
      lastNames[node.depth - 1] = name
    } else {
      while lastNames.count < node.depth - 1 { lastNames.append([]) }
      lastNames.append(name)
    }
  }

  private func add(_ node: TreeWalk.Node, as name: [UInt8]) throws(CopyFailure) {
    guard let facts = node.facts else { return }
    let attributes = facts.attributes
    if let first = links.place(of: facts) {
      var header = TarHeader(kind: .hardLink, name: name, of: attributes)
      header.linkName = first
      return try output.write(header)
    }
    var header: TarHeader
    switch attributes.type {
    case .directory: header = TarHeader(kind: .directory, name: name + [UInt8(ascii: "/")], of: attributes)
    case .regular: header = TarHeader(kind: .regular, name: name, of: attributes)
    case .symbolicLink:
      header = TarHeader(kind: .symbolicLink, name: name, of: attributes)
      do { header.linkName = try tree.linkTarget(of: facts.number) } catch { throw .reading(error) }
    case .characterDevice: header = TarHeader(kind: .characterDevice, name: name, of: attributes)
    case .blockDevice: header = TarHeader(kind: .blockDevice, name: name, of: attributes)
    case .fifo: header = TarHeader(kind: .fifo, name: name, of: attributes)
    case .socket: throw .noSocket
    }
    try addAttributes(of: facts, to: &header)
    if attributes.type == .regular { try addFile(facts, header) } else { try output.write(header) }
    links.note(facts, at: name)
  }

  private func addAttributes(of facts: NodeFacts, to header: inout TarHeader) throws(CopyFailure) {
    do throws(ReadError) {
      for name in try tree.extendedAttributeNames(of: facts.number) {
        guard let value = try tree.extendedAttribute(name.rawSpan, of: facts.number) else { continue }
        switch name {
        case AccessList.accessName: header.add("SCHILY.acl.access", try AccessList.text(of: value))
        case AccessList.defaultName: header.add("SCHILY.acl.default", try AccessList.text(of: value))
        default:
          // A key ends with the first "=".
          var key = Array("SCHILY.xattr.".utf8)
          for byte in name {
            switch byte {
            case UInt8(ascii: "="): key += Array("%3D".utf8)
            case UInt8(ascii: "%"): key += Array("%25".utf8)
            default: key.append(byte)
            }
          }
          header.records.append((key, value))
        }
      }
    } catch { throw .reading(error) }
  }

  private func addFile(_ facts: NodeFacts, _ header: TarHeader) throws(CopyFailure) {
    var header = header
    let file: any BlockDevice
    var runs: SparseRuns
    let isSparse: Bool
    do throws(ReadError) {
      file = try tree.file(facts.number)
      runs = SparseRuns(of: file)
      isSparse = try runs.hasHoles()
    } catch { throw .reading(error) }
    if isSparse { return try addSparseFile(facts, header, file, &runs) }
    header.size = file.size
    guard file.size > ArchiveOutput.largestGathered else {
      // What cannot be read is found out before anything has been written.
      let contents: [UInt8]
      do { contents = try file.bytes(Int(file.size), at: 0) } catch { throw .reading(error) }
      try output.write(header)
      try output.write(contents)
      observer.progressed(file.size)
      return try output.writeZeros(TarHeader.padding(behind: file.size))
    }
    try output.write(header)
    try writeContents(0..<file.size, of: file, facts)
    try output.writeZeros(TarHeader.padding(behind: file.size))
  }

  private func writeContents(_ range: Range<UInt64>, of file: any BlockDevice, _ facts: NodeFacts) throws(CopyFailure) {
    do throws(CopyFailure) {
      try output.write(range, of: file, number: facts.number)
    } catch {
      guard case .reading(let error) = error else { throw error }
      // The header stands already: what is missing is zeros, and is told of.
      unread = unread ?? error
    }
    observer.progressed(range.upperBound - range.lowerBound)
  }

  /// What of the member that is being written could not be read.
  private var unread: ReadError?

  /// A sparse file in GNU tar's format 1.0: in front of the data a map of it, in decimal numbers, a line each: how many
  /// runs of data there are, and for each where it starts in the file and how long it is.
  private func addSparseFile(
    _ facts: NodeFacts, _ header: TarHeader, _ file: any BlockDevice, _ runs: inout SparseRuns
  ) throws(CopyFailure) {
    var header = header
    var count: UInt64 = 0
    var mapSize: UInt64 = 0
    var dataSize: UInt64 = 0
    var end: UInt64 = 0
    try runs.forEach(failure: { CopyFailure.reading($0) }) { (run) throws(CopyFailure) in
      count += 1
      mapSize += UInt64(Self.line(run.lowerBound).count + Self.line(run.upperBound - run.lowerBound).count)
      dataSize += run.upperBound - run.lowerBound
      end = run.upperBound
    }
    // An empty run at the end says how far the hole behind the data goes.
    let lastRun = end < file.size ? Self.line(file.size) + Self.line(0) : []
    if !lastRun.isEmpty { count += 1 }
    mapSize += UInt64(Self.line(count).count + lastRun.count)
    let padding = TarHeader.padding(behind: mapSize)
    header.size = mapSize + UInt64(padding) + dataSize
    header.add("GNU.sparse.major", "1")
    header.add("GNU.sparse.minor", "0")
    header.add("GNU.sparse.name", header.name)
    header.add("GNU.sparse.realsize", "\(file.size)")
    header.name = Self.sparseName(header.name)
    try output.write(header)
    try output.write(Self.line(count))
    try runs.forEach(failure: { CopyFailure.reading($0) }) { (run) throws(CopyFailure) in
      try output.write(Self.line(run.lowerBound) + Self.line(run.upperBound - run.lowerBound))
    }
    try output.write(lastRun)
    try output.writeZeros(padding)
    try runs.forEach(failure: { CopyFailure.reading($0) }) { (run) throws(CopyFailure) in
      try writeContents(run, of: file, facts)
    }
    try output.writeZeros(TarHeader.padding(behind: dataSize))
  }

  private static func line(_ number: UInt64) -> [UInt8] { Array("\(number)\n".utf8) }

  /// What the file is called by who does not know of sparse files.
  private static func sparseName(_ name: [UInt8]) -> [UInt8] {
    let slash = UInt8(ascii: "/")
    let start = name.lastIndex(of: slash).map { $0 + 1 } ?? 0
    return Array(name[..<start]) + Array("GNUSparseFile.0/".utf8) + name[start...]
  }
}

extension UInt8 {
  fileprivate var isLetter: Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(self | 0x20) }
}

/// The first names of files that have several, as long as more of them may come.
struct ArchivedLinks {
  /// Bytes of names that are kept at most, about.
  private static let budget = 64 << 20
  private static let itemSize = 96
  private var names: [UInt64: (name: [UInt8], left: UInt32)] = [:]
  private var heldSize = 0
  private(set) var hasOverflowed = false

  /// The file's first name; nil where this is it.
  mutating func place(of facts: NodeFacts) -> [UInt8]? {
    guard facts.attributes.type != .directory, let known = names[facts.number] else { return nil }
    if known.left > 1 {
      names[facts.number]?.left -= 1
    } else {
      names[facts.number] = nil
      heldSize -= known.name.count + Self.itemSize
    }
    return known.name
  }

  mutating func note(_ facts: NodeFacts, at name: [UInt8]) {
    guard facts.attributes.linkCount > 1, facts.attributes.type != .directory else { return }
    guard heldSize + name.count + Self.itemSize <= Self.budget else {
      hasOverflowed = true
      return
    }
    names[facts.number] = (name, facts.attributes.linkCount - 1)
    heldSize += name.count + Self.itemSize
  }
}
