public import Browsing
internal import BlockDevices
internal import Bytes
internal import FileSystems
internal import SystemPackage

/// Copies parts of a tree into a folder of the host.
///
/// Whatever names and links the tree holds, nothing outside of that folder is touched: it is gone through by descriptors
/// and single names, and symbolic links are made, never followed. A file gets its name when it is whole.
public final class TreeCopy {
  let tree: Tree
  let options: CopyOptions
  let observer: any CopyObserver
  let files: FileMaker
  private var links: CopiedLinks
  /// The folders that are entered, from the one that a person has named on.
  private var folders: [TargetFolder] = []
  /// What each of them is a copy of: its attributes are given when it is left.
  private var pending: [NodeFacts?] = []
  /// What is under way.
  var steps = CopySteps()

  /// Folders that are open at a time.
  private static let openLimit = 64

  public init(of tree: Tree, options: CopyOptions, observer: any CopyObserver) {
    self.tree = tree
    self.options = options
    self.observer = observer
    links = CopiedLinks(followsLinks: options.followsLinks)
    files = FileMaker(from: tree, options: options)
  }

  var attributes: AttributeCopy { files.attributes }

  /// One line each, of what could not be kept of many files.
  public var notices: [String] {
    var notices = attributes.notices
    if links.hasOverflowed {
      notices.append("there are too many files with several names to keep track of: some were copied more than once")
    }
    return notices
  }

  /// Copies what `start` is, with all that is in it, into `destination` under `name`; a folder without a name is copied
  /// onto the destination itself.
  /// - Throws: what ends the copy. All other failures are the observer's.
  public func copy(
    _ start: NodeFacts, from path: [UInt8], as name: [UInt8]?, into destination: CopyDestination
  ) throws(CopyFailure) {
    folders = [destination.top]
    pending = [nil]
    steps.begin(with: files)
    defer {
      steps.abandon()
      folders.removeAll()
      pending.removeAll()
    }
    if start.attributes.type == .directory && !options.isRecursive {
      return try report(.omitsFolder, CopyPlace(path: path, name: name, folder: destination.top))
    }
    var walkOptions = TreeWalk.Options()
    walkOptions.reportsLeaving = true
    walkOptions.links = options.followsLinks ? .followed : .told
    var walk = TreeWalk(of: tree, from: start, named: path, options: walkOptions)
    while let event = walk.next(), let folder = folders.last {
      if Interruption.isNoted { throw .interrupted }
      switch event {
      case .node(let node):
        let place = CopyPlace(path: walk.path, name: node.depth == 0 ? name : Array(node.name), folder: folder)
        do throws(CopyFailure) {
          try begin(node, at: place)
        } catch {
          if node.type == .directory { walk.skipContents() }
          try report(error, place)
        }
      case .left: try leave(walk.path)
      case .failed(let error): try report(.reading(error), CopyPlace(path: walk.path, name: nil, folder: folder))
      }
    }
    try finishSteps()
  }

  func report(_ failure: CopyFailure, _ place: CopyPlace) throws(CopyFailure) {
    observer.failed(failure, at: place.path) { place.target }
    if failure.endsCopy { throw failure }
  }

  private func begin(_ node: TreeWalk.Node, at place: CopyPlace) throws(CopyFailure) {
    guard let facts = node.facts else { return }
    let folder = place.folder
    guard let name = place.name else {
      // The destination itself.
      guard facts.attributes.type == .directory else { throw .isFolder }
      enter(folder, facts)
      return try take(.made(place))
    }
    guard Self.isPossible(name) else { throw .impossibleName }
    if facts.attributes.type != .directory, !folder.isNew, try isKept(name, facts, in: folder) { return }
    let isLinked = options.keepsLinks && facts.attributes.linkCount > 1
    if facts.attributes.type == .directory {
      try makeFolder(facts, name, in: folder)
    } else if facts.attributes.type == .regular, folder.isNew, !isLinked {
      // Whatever is there already has to be looked at first, and the first of several names is made before the others.
      return try take(.file(facts, place))
    } else if isLinked {
      if try !copyAsLink(facts, name, in: folder) {
        try make(facts, name, in: folder)
        links.note(facts, at: name, in: folder)
      }
    } else {
      try make(facts, name, in: folder)
    }
    try take(.made(place))
  }

  private func make(_ facts: NodeFacts, _ name: [UInt8], in folder: TargetFolder) throws(CopyFailure) {
    if facts.attributes.type == .regular {
      try copyFile(facts, name, in: folder)
    } else {
      try makeNode(facts, name, in: folder)
    }
  }

  /// A driver tells no others; whatever a driver tells, none goes further.
  static func isPossible(_ name: [UInt8]) -> Bool {
    let dot = UInt8(ascii: ".")
    return !name.isEmpty && name != [dot] && name != [dot, dot] && !name.contains(UInt8(ascii: "/"))
      && !name.contains(0)
  }
}

/// Folders.
extension TreeCopy {
  private func makeFolder(_ facts: NodeFacts, _ name: [UInt8], in parent: TargetFolder) throws(CopyFailure) {
    let host = try parent.folder()
    var isNew = true
    do { try host.makeFolder(name, permissions: 0o700) } catch {
      guard error == .fileExists else { throw .writing(error) }
      isNew = false
    }
    let made: TargetFolder
    do throws(Errno) {
      let opened = try host.folder(name)
      let identity = try opened.facts().identity
      if !isNew && !parent.mayReplace(identity) { throw .fileExists }
      made = try TargetFolder(opened, named: name, in: parent, isNew: isNew)
      parent.note(identity)
      if isNew && options.keepsAttributes && !parent.isNew { AttributeCopy.forgetInheritedLists(of: opened) }
    } catch {
      switch error {
      case .fileExists: throw .sameName
      case .notDirectory, .tooManySymbolicLinkLevels: throw parent.isNew ? .sameName : .isNoFolder
      default: throw .writing(error)
      }
    }
    enter(made, facts)
  }

  private func enter(_ folder: TargetFolder, _ facts: NodeFacts) {
    folders.append(folder)
    pending.append(facts)
    if folders.count > Self.openLimit { folders[folders.count - Self.openLimit].close() }
  }

  /// The folder that was entered last gets what belongs to it when all that was begun in it has ended: what is put into
  /// it changes its times, and its permissions could forbid that.
  private func leave(_ path: [UInt8]) throws(CopyFailure) {
    guard folders.count > 1, let folder = folders.popLast(), let facts = pending.popLast() ?? nil else { return }
    guard options.keepsAttributes || folder.isNew else { return }
    try take(.leave(facts, CopyPlace(path: path, name: nil, folder: folder)))
  }

  func end(_ folder: TargetFolder, _ facts: NodeFacts) throws(CopyFailure) {
    // What links lie in it is found again by its name.
    defer { folder.close() }
    try attributes.apply(to: folder.folder(), of: facts, isNew: folder.isNew)
  }
}

/// Files and other nodes.
extension TreeCopy {
  private func copyFile(_ facts: NodeFacts, _ name: [UInt8], in folder: TargetFolder) throws(CopyFailure) {
    let host = try folder.folder()
    let target = try files.make(facts, in: host, forgetsLists: !folder.isNew) { observer.progressed($0) }
    try give(name, to: target, facts, in: folder)
  }

  /// Gives a whole file its name.
  func give(
    _ name: [UInt8], to target: NewFile, _ source: NodeFacts, in folder: TargetFolder
  ) throws(CopyFailure) {
    do throws(Errno) {
      try target.place(as: name)
    } catch {
      guard error == .fileExists else { throw .writing(error) }
      if try !makeRoom(for: name, source, in: folder) { return }
      do { try target.place(as: name, replaces: true) } catch { throw .writing(error) }
    }
    if !folder.isNew, let made = try? target.facts() { folder.note(made.identity) }
  }

  /// Whether what is there is to stay.
  private func isKept(
    _ name: [UInt8], _ source: NodeFacts, in folder: TargetFolder
  ) throws(CopyFailure) -> Bool {
    guard options.existing != .replaced else { return false }
    let there: HostFacts?
    do { there = try folder.folder().facts(of: name) } catch let error as Errno { throw .writing(error) } catch {
      throw error as? CopyFailure ?? .sameName
    }
    guard let there, isKept(there, source) else { return false }
    guard folder.mayReplace(there.identity) else { throw .sameName }
    return true
  }

  private func isKept(_ there: HostFacts, _ source: NodeFacts) -> Bool {
    switch options.existing {
    case .replaced: false
    case .kept: true
    case .keptUnlessOlder: there.type != .directory && !there.modified.isBefore(source.attributes.modified)
    }
  }

  /// Whether what has the name may be replaced; false where it is to stay.
  private func makeRoom(
    for name: [UInt8], _ source: NodeFacts, in folder: TargetFolder
  ) throws(CopyFailure) -> Bool {
    if folder.isNew { throw .sameName }
    let host = try folder.folder()
    let there: HostFacts?
    do { there = try host.facts(of: name) } catch { throw .writing(error) }
    guard let there else { return true }
    guard folder.mayReplace(there.identity) else { throw .sameName }
    if isKept(there, source) { return false }
    switch there.type {
    case .directory: throw .isFolder
    case .characterDevice, .blockDevice, .fifo, .socket:
      // Whoever copies onto /dev/null does not want a file in its place.
      guard source.attributes.type != .regular else { throw .isNoFile }
    case .regular, .symbolicLink, nil: break
    }
    return true
  }

  /// A symbolic link, a device, a FIFO or a socket.
  private func makeNode(_ facts: NodeFacts, _ name: [UInt8], in folder: TargetFolder) throws(CopyFailure) {
    let host = try folder.folder()
    var target: [UInt8] = []
    if facts.attributes.type == .symbolicLink {
      do { target = try tree.linkTarget(of: facts.number) } catch { throw .reading(error) }
    }
    var placed = name
    do { try make(facts, placed, target, in: host) } catch {
      guard error == .fileExists else { throw failure(error, of: facts) }
      if try !makeRoom(for: name, facts, in: folder) { return }
      placed = host.temporaryName()
      do { try make(facts, placed, target, in: host) } catch { throw failure(error, of: facts) }
    }
    do throws(CopyFailure) {
      try attributes.apply(to: placed, in: host, of: facts)
      if placed != name { do { try host.rename(placed, replacing: name) } catch { throw .writing(error) } }
    } catch {
      try? host.remove(placed)
      throw error
    }
    if !folder.isNew, let made = try? host.facts(of: name) { folder.note(made.identity) }
  }

  private func make(
    _ facts: NodeFacts, _ name: [UInt8], _ target: [UInt8], in host: HostFolder
  ) throws(Errno) {
    if facts.attributes.type == .symbolicLink { return try host.makeSymbolicLink(name, to: target) }
    try host.makeNode(
      name, facts.attributes.type, permissions: attributes.firstPermissions(of: facts, hasAttributes: false),
      device: facts.attributes.deviceNumber)
  }

  private func failure(_ error: Errno, of facts: NodeFacts) -> CopyFailure {
    error == .notPermitted && facts.attributes.deviceNumber != nil ? .noDevice : .writing(error)
  }

  /// Gives a file that was copied already a further name; false where it was not.
  private func copyAsLink(_ facts: NodeFacts, _ name: [UInt8], in folder: TargetFolder) throws(CopyFailure) -> Bool {
    guard let place = links.place(of: facts) else { return false }
    let source = try place.folder.folder()
    defer { if !folders.contains(where: { $0 === place.folder }) { place.folder.close() } }
    let host = try folder.folder()
    do throws(Errno) {
      try host.makeHardLink(name, to: place.name, in: source)
    } catch {
      // The target counts fewer names than the image does, or has no such links: a copy it is.
      if error == .tooManyLinks || error == .notPermitted || error == .notSupported { return false }
      guard error == .fileExists else { throw .writing(error) }
      if try !makeRoom(for: name, facts, in: folder) { return true }
      let temporary = host.temporaryName()
      do throws(Errno) {
        try host.makeHardLink(temporary, to: place.name, in: source)
        try host.rename(temporary, replacing: name)
      } catch {
        try? host.remove(temporary)
        throw .writing(error)
      }
    }
    return true
  }
}
