public import Bytes
internal import FileSystems
internal import SystemPackage

extension Tree {
  /// Symbolic links that are followed on the way to one node, as Linux has it (MAXSYMLINKS).
  static let linkLimit = 40

  /// The node that a path written as in a mount leads to: "/etc/hostname", "/p2/etc/hostname", "by-label/root/etc". A
  /// path is always one from the root, with or without a slash in front.
  ///
  /// Symbolic links never lead out of the image: one that starts with a slash starts at the top of its own volume, and
  /// ".." in a link does not climb above that. In `path` itself, ".." goes up to the tree's root.
  ///
  /// - Parameter followsLast: whether a link at the very end is followed; one with a slash behind it always is.
  /// - Throws: what Linux would: `.io(.noSuchFileOrDirectory)`, `.io(.notDirectory)`, `.io(.tooManySymbolicLinkLevels)`
  ///   after forty links; and what reading the folders gives.
  public func node(at path: [UInt8], followsLast: Bool = true) throws(ReadError) -> NodeFacts {
    guard !path.isEmpty else { throw .io(.noSuchFileOrDirectory, "path") }
    return try resolve(PathRemainder(path, floor: Self.root), from: facts(of: Self.root), followsLast: followsLast)
  }

  /// What the symbolic link `link`, an entry of `folder`, leads to in the end.
  ///
  /// - Throws: as `node(at:)`.
  public func linkEnd(of link: UInt64, in folder: UInt64) throws(ReadError) -> NodeFacts {
    let target = try linkTarget(of: link)
    guard !target.isEmpty else { throw .io(.noSuchFileOrDirectory, "path") }
    let top = volumeRoot(of: link)
    let start = try facts(of: target.first == slash ? top : folder)
    return try resolve(PathRemainder(target, floor: top), from: start, followsLast: true, links: 1)
  }

  /// - Parameter links: how many were followed before.
  private func resolve(
    _ path: PathRemainder, from start: NodeFacts, followsLast: Bool, links: Int = 0
  ) throws(ReadError) -> NodeFacts {
    var current = start
    // What is left to go: the path, and upon it the rest of each link that was entered. Never deeper than `linkLimit`.
    var left = [path]
    var links = links
    while !left.isEmpty {
      let place = left.count - 1
      guard let name = left[place].next() else {
        let ended = left.removeLast()
        if ended.wantsFolder && current.attributes.type != .directory { throw .io(.notDirectory, "path") }
        continue
      }
      guard current.attributes.type == .directory else { throw .io(.notDirectory, "path") }
      if name == [dot] { continue }
      if name == [dot, dot] {
        if current.number != left[place].floor { current = try facts(of: parent(of: current.number)) }
        continue
      }
      guard let child = try lookup(name.rawSpan, in: current.number) else {
        throw .io(.noSuchFileOrDirectory, "path")
      }
      let isLast = left.allSatisfy(\.isAtEnd) && !left.contains(where: \.wantsFolder)
      guard child.attributes.type == .symbolicLink, followsLast || !isLast else {
        current = child
        continue
      }
      links += 1
      guard links <= Self.linkLimit else { throw .io(.tooManySymbolicLinkLevels, "path") }
      let target = try linkTarget(of: child.number)
      let top = volumeRoot(of: child.number)
      if target.first == slash { current = try facts(of: top) }
      left.append(PathRemainder(target, floor: top))
    }
    return current
  }

  /// The top of the volume that a node belongs to; the tree's root for what belongs to none.
  public func volumeRoot(of number: UInt64) -> UInt64 {
    guard case .file(let fileSystem, _)? = node(number) else { return Self.root }
    return self.number(of: fileSystem.root, beside: number)
  }
}

/// What is left of a path.
private struct PathRemainder {
  private let bytes: [UInt8]
  private var position = 0
  /// The node that ".." does not climb above.
  let floor: UInt64

  init(_ bytes: [UInt8], floor: UInt64) {
    self.bytes = bytes
    self.floor = floor
    skipSlashes()
  }

  var isAtEnd: Bool { position == bytes.count }
  var wantsFolder: Bool { bytes.last == slash }

  /// The next name; nil at the end.
  mutating func next() -> [UInt8]? {
    guard !isAtEnd else { return nil }
    let end = bytes[position...].firstIndex(of: slash) ?? bytes.count
    let name = Array(bytes[position..<end])
    position = end
    skipSlashes()
    return name
  }

  private mutating func skipSlashes() {
    while position < bytes.count && bytes[position] == slash { position += 1 }
  }
}

private let slash = UInt8(ascii: "/")
private let dot = UInt8(ascii: ".")
