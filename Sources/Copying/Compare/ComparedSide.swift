internal import BlockDevices
internal import Browsing
internal import Bytes
internal import FileSystems
internal import SystemPackage

/// One of two trees that are compared, told in order of names: a folder before what is in it.
protocol ComparedSide: AnyObject {
  /// The next node; nil at the end.
  func next() -> ComparedEvent?
}

enum ComparedEvent {
  case node(any ComparedNode)
  case failed(ReadError, path: [UInt8])

  /// Below the start, with slashes between.
  var path: [UInt8] {
    switch self {
    case .node(let node): node.path
    case .failed(_, let path): path
    }
  }
}

protocol ComparedNode {
  var path: [UInt8] { get }
  var attributes: Attributes { get }
  func contents() throws(ReadError) -> any BlockDevice
  func linkTarget() throws(ReadError) -> [UInt8]
  /// Sorted by names.
  func extendedAttributes() throws(ReadError) -> [(name: [UInt8], value: [UInt8])]
}

/// A part of an image.
final class ImageSide: ComparedSide {
  private let tree: Tree
  private var walk: TreeWalk

  init(_ tree: Tree, from start: NodeFacts) {
    self.tree = tree
    var options = TreeWalk.Options()
    options.order = .byName()
    walk = TreeWalk(of: tree, from: start, named: [], options: options)
  }

  func next() -> ComparedEvent? {
    while let event = walk.next() {
      let path = Array(walk.path.drop { $0 == UInt8(ascii: "/") })
      switch event {
      case .node(let node):
        guard let facts = node.facts else { continue }
        return .node(ImageNode(path: path, tree: tree, facts: facts))
      case .left: continue
      case .failed(let error): return .failed(error, path: path)
      }
    }
    return nil
  }
}

struct ImageNode: ComparedNode {
  let path: [UInt8]
  let tree: Tree
  let facts: NodeFacts

  var attributes: Attributes { facts.attributes }
  func contents() throws(ReadError) -> any BlockDevice { try tree.file(facts.number) }
  func linkTarget() throws(ReadError) -> [UInt8] { try tree.linkTarget(of: facts.number) }

  func extendedAttributes() throws(ReadError) -> [(name: [UInt8], value: [UInt8])] {
    var attributes: [(name: [UInt8], value: [UInt8])] = []
    for name in try tree.extendedAttributeNames(of: facts.number).sorted(by: { $0.lexicographicallyPrecedes($1) }) {
      if let value = try tree.extendedAttribute(name.rawSpan, of: facts.number) { attributes.append((name, value)) }
    }
    return attributes
  }
}

/// A folder of the host.
final class HostSide: ComparedSide {
  private struct Level {
    let folder: HostFolder
    let path: [UInt8]
    /// In falling order: the last one is next.
    var names: [[UInt8]]
  }

  private var levels: [Level] = []
  private let start: HostFolder
  private var isStarted = false
  private var pending: (name: [UInt8], path: [UInt8], parent: HostFolder)?

  init(_ folder: HostFolder) { start = folder }

  func next() -> ComparedEvent? {
    if !isStarted {
      isStarted = true
      do throws(Errno) {
        let node = HostNode(path: [], folder: start, name: nil, attributes: try start.attributes())
        levels.append(Level(folder: start, path: [], names: try start.names().reversed()))
        return .node(node)
      } catch { return .failed(.io(error, "folder"), path: []) }
    }
    if let folder = pending {
      pending = nil
      do throws(Errno) {
        let opened = try folder.parent.folder(folder.name)
        levels.append(Level(folder: opened, path: folder.path, names: try opened.names().reversed()))
      } catch { return .failed(.io(error, "folder"), path: folder.path) }
    }
    while !levels.isEmpty {
      let top = levels.count - 1
      guard let name = levels[top].names.popLast() else {
        levels.removeLast()
        continue
      }
      let folder = levels[top].folder
      let path = levels[top].path.isEmpty ? name : levels[top].path + [UInt8(ascii: "/")] + name
      do throws(Errno) {
        let attributes = try folder.attributes(of: name)
        if attributes.type == .directory { pending = (name, path, folder) }
        return .node(HostNode(path: path, folder: folder, name: name, attributes: attributes))
      } catch { return .failed(.io(error, "file"), path: path) }
    }
    return nil
  }
}

struct HostNode: ComparedNode {
  let path: [UInt8]
  let folder: HostFolder
  /// nil for the folder itself.
  let name: [UInt8]?
  let attributes: Attributes

  func contents() throws(ReadError) -> any BlockDevice {
    do { return try folder.file(name ?? [UInt8(ascii: ".")]) } catch { throw .io(error, "file") }
  }

  func linkTarget() throws(ReadError) -> [UInt8] {
    do { return try folder.linkTarget(of: name ?? [UInt8(ascii: ".")]) } catch { throw .io(error, "link") }
  }

  func extendedAttributes() throws(ReadError) -> [(name: [UInt8], value: [UInt8])] {
    do { return try folder.extendedAttributes(of: name) } catch { throw .io(error, "extended attributes") }
  }
}
