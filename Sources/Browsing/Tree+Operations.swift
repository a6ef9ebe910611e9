public import BlockDevices
public import Bytes
public import FileSystems
internal import SystemPackage

/// A node, as stat(2) tells of it.
public struct NodeFacts: Sendable {
  /// The tree's number for it, which is FUSE's too.
  public let number: UInt64
  /// `st_ino`.
  public let statNumber: UInt64
  public let attributes: Attributes
}

/// An entry of a folder, but for its name.
public struct ListedEntry {
  public let number: UInt64
  public let statNumber: UInt64
  /// nil where the folder does not say, and the node has to be asked.
  public let type: NodeType?
  /// Names the place behind this entry.
  public let cookie: UInt64
}

extension Tree {
  private func found(_ number: UInt64) throws(ReadError) -> Node {
    guard let node = node(number) else { throw .io(.staleNFSFileHandle, "node", at: number) }
    return node
  }

  /// - Throws: `.io(.staleNFSFileHandle)` for a number that never was given out, and what the filesystem throws.
  public func facts(of number: UInt64) throws(ReadError) -> NodeFacts {
    let node = try found(number)
    let attributes: Attributes
    switch node {
    case .file(let fileSystem, let id):
      attributes = try fileSystem.attributes(of: id)
    case .made(.directory(let directory)):
      let folders = directory.entries.count { $0.type == .directory }
      attributes = origin.attributes(.directory, links: UInt32(2 + folders))
    case .made(.link(let target)):
      attributes = origin.attributes(.symbolicLink, size: UInt64(target.count))
    case .made(.device(let raw)):
      attributes = origin.attributes(.regular, size: raw.device.size, allocated: raw.allocatedSize)
    }
    return NodeFacts(number: number, statNumber: statNumber(number, node), attributes: attributes)
  }

  /// The node that `name` leads to; also "." and "..", by which exported handles find their way.
  public func lookup(_ name: RawSpan, in parent: UInt64) throws(ReadError) -> NodeFacts? {
    switch try dots(in: name) {
    case 1: return try facts(of: parent)
    case 2: return try facts(of: self.parent(of: parent))
    default: break
    }
    switch try found(parent) {
    case .file(let fileSystem, let id):
      guard let child = try fileSystem.lookup(name, in: id) else { return nil }
      return try facts(of: number(of: child, beside: parent))
    case .made(.directory(let directory)):
      guard let index = directory.byName[name.array] else { return nil }
      return try facts(of: directory.entries[index].number)
    case .made:
      throw .io(.notDirectory, "node", at: parent)
    }
  }

  /// 1 for ".", 2 for "..", 0 for any other name.
  private func dots(in name: RawSpan) throws(ReadError) -> Int {
    guard name.byteCount == 1 || name.byteCount == 2 else { return 0 }
    for index in 0..<name.byteCount where try name.u8(index) != UInt8(ascii: ".") { return 0 }
    return name.byteCount
  }

  /// The folder that a folder lies in; the root's is the root.
  public func parent(of number: UInt64) throws(ReadError) -> UInt64 {
    switch try found(number) {
    case .file(let fileSystem, let id):
      // Above the top of a volume lies the folder that shows it, which is the root in either view.
      if id == fileSystem.root { return Self.root }
      return self.number(of: try fileSystem.parent(of: id), beside: number)
    case .made(.directory(let directory)): return directory.parent
    case .made: throw .io(.notDirectory, "node", at: number)
    }
  }

  /// Visits a folder's entries with "." and ".." in front; `cookie` is 0 or an entry's, and false from `visit` stops
  /// before that entry.
  public func list(
    _ number: UInt64, from cookie: UInt64, _ visit: (RawSpan, ListedEntry) -> Bool
  ) throws(ReadError) {
    let node = try found(number)
    if cookie < 1 {
      let entry = ListedEntry(
        number: number, statNumber: statNumber(number, node), type: .directory, cookie: 1)
      guard visit([UInt8(ascii: ".")].rawSpan, entry) else { return }
    }
    if cookie < 2 {
      // A folder whose parent cannot be told still lists.
      let parent = (try? self.parent(of: number)) ?? number
      let entry = ListedEntry(
        number: parent, statNumber: self.node(parent).map { statNumber(parent, $0) } ?? parent, type: .directory,
        cookie: 2)
      guard visit([UInt8(ascii: "."), UInt8(ascii: ".")].rawSpan, entry) else { return }
    }
    let start = cookie < 2 ? 0 : cookie - 2
    switch node {
    case .file(let fileSystem, let id):
      try fileSystem.list(id, from: start) { name, entry in
        let child = self.number(of: entry.node, beside: number)
        return visit(
          name,
          ListedEntry(
            number: child,
            statNumber: kind == .filesystem ? shown(entry.inodeNumber ?? entry.node.rawValue, of: child) : child,
            type: entry.type, cookie: entry.cookie &+ 2))
      }
    case .made(.directory(let directory)):
      guard start < UInt64(directory.entries.count) else { return }
      for index in Int(start)..<directory.entries.count {
        let entry = directory.entries[index]
        let listed = ListedEntry(
          number: entry.number, statNumber: entry.number, type: entry.type, cookie: UInt64(index) + 3)
        guard visit(entry.name.rawSpan, listed) else { return }
      }
    case .made: throw .io(.notDirectory, "node", at: number)
    }
  }

  /// Where a symbolic link leads; `.io(.invalidArgument)` for what is none.
  public func linkTarget(of number: UInt64) throws(ReadError) -> [UInt8] {
    switch try found(number) {
    case .file(let fileSystem, let id): return try fileSystem.linkTarget(of: id)
    case .made(.link(let target)): return target
    case .made: throw .io(.invalidArgument, "node", at: number)
    }
  }

  /// The bytes of a regular file.
  public func file(_ number: UInt64) throws(ReadError) -> any BlockDevice {
    switch try found(number) {
    case .file(let fileSystem, let id): return try fileSystem.file(id)
    case .made(.device(let raw)): return raw.device
    case .made(.directory): throw .io(.isDirectory, "node", at: number)
    case .made(.link): throw .io(.invalidArgument, "node", at: number)
    }
  }

  /// The file that is most likely read after this one; nil where nothing tells.
  func follower(of number: UInt64) -> UInt64? {
    guard case .file(let fileSystem, let id)? = node(number), let next = fileSystem.follower(of: id) else { return nil }
    return self.number(of: next, beside: number)
  }

  /// nil for what belongs to no filesystem.
  public func summary(at number: UInt64) -> FileSystemSummary? {
    if case .file(let fileSystem, _)? = node(number) { fileSystem.summary } else { nil }
  }

  /// As `FileSystem` tells them; none of what belongs to no filesystem.
  public func extendedAttributeNames(of number: UInt64) throws(ReadError) -> [[UInt8]] {
    guard case .file(let fileSystem, let id) = try found(number) else { return [] }
    return try fileSystem.extendedAttributeNames(of: id)
  }

  /// nil where the node has no attribute of that name.
  public func extendedAttribute(_ name: RawSpan, of number: UInt64) throws(ReadError) -> [UInt8]? {
    guard case .file(let fileSystem, let id) = try found(number) else { return nil }
    return try fileSystem.extendedAttribute(name, of: id)
  }
}
