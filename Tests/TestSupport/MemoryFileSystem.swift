public import BlockDevices
public import Bytes
public import FileSystems
internal import Synchronization
internal import SystemPackage

/// A filesystem whose tree is given by a test, and whose files' extents lie on a host file.
public final class MemoryFileSystem: FileSystem {
  public static let typeNames = ["memory"]

  public struct Node: Sendable {
    public enum Kind: Sendable {
      case directory([(name: String, node: UInt64)])
      case file([Extent])
      case link(String)
      case device(DeviceNumber)
    }
    public var kind: Kind
    public var permissions: UInt16 = 0o644
    public var owner: UInt32 = 0
    public var attributes: [(name: String, value: [UInt8])] = []
    /// What reading the contents or the list gives.
    public var failure: ReadError?
    /// What asking for the attributes gives.
    public var hidden: ReadError?

    public init(
      kind: Kind, permissions: UInt16 = 0o644, owner: UInt32 = 0,
      attributes: [(name: String, value: [UInt8])] = [], failure: ReadError? = nil, hidden: ReadError? = nil
    ) {
      self.kind = kind
      self.permissions = permissions
      self.owner = owner
      self.attributes = attributes
      self.failure = failure
      self.hidden = hidden
    }
  }

  public let device: any BlockDevice
  public let root = NodeID(2)
  public let nodes: [UInt64: Node]
  /// What each unit decodes to.
  public let contents: [UInt64: [UInt8]]
  public let units: UnitCache?
  /// The file behind each file.
  public let followers: [UInt64: UInt64]
  private let decodes = Mutex<[UInt64: Int]>([:])
  public var summary: FileSystemSummary {
    FileSystemSummary(
      type: "memory", label: Array("memory label".utf8), uuid: "0000-1111", blockSize: 1024, blockCount: 1000,
      freeBlockCount: 400, availableBlockCount: 300, inodeCount: max(50, UInt64(nodes.count) + 1),
      freeInodeCount: 20, size: device.size)
  }

  public init(
    on device: any BlockDevice, nodes: [UInt64: Node], contents: [UInt64: [UInt8]] = [:], units: UnitCache? = nil,
    followers: [UInt64: UInt64] = [:]
  ) {
    self.device = device
    self.nodes = nodes
    self.contents = contents
    self.units = units
    self.followers = followers
  }

  /// How often each unit was decoded.
  public var decodeCounts: [UInt64: Int] { decodes.withLock { $0 } }

  public func follower(of node: NodeID) -> NodeID? { followers[node.rawValue].map { NodeID($0) } }

  public convenience init(reading device: any BlockDevice, options: OpenOptions) throws(OpenError) {
    throw .notRecognized
  }

  private func node(_ id: NodeID) throws(ReadError) -> Node {
    guard let node = nodes[id.rawValue] else { throw .io(.staleNFSFileHandle, "node", at: id.rawValue) }
    return node
  }

  private func entries(_ id: NodeID) throws(ReadError) -> [(name: String, node: UInt64)] {
    guard case .directory(let entries) = try node(id).kind else { throw .io(.notDirectory, "node", at: id.rawValue) }
    return entries
  }

  public func lookup(_ name: RawSpan, in directory: NodeID) throws(ReadError) -> NodeID? {
    let name = name.array
    return try entries(directory).first { Array($0.name.utf8) == name }.map { NodeID($0.node) }
  }

  public func attributes(of id: NodeID) throws(ReadError) -> Attributes {
    let node = try node(id)
    if let hidden = node.hidden { throw hidden }
    var size: UInt64 = 0
    var stored: UInt64 = 0
    let type: NodeType
    var number: DeviceNumber?
    switch node.kind {
    case .directory: type = .directory
    case .link(let target):
      type = .symbolicLink
      size = UInt64(target.utf8.count)
    case .device(let device):
      type = .characterDevice
      number = device
    case .file(let extents):
      type = .regular
      for extent in extents {
        size += extent.length
        if extent.kind != .hole { stored += extent.length }
      }
    }
    let time = Timestamp(seconds: 1_600_000_000, nanoseconds: 123_456_789)
    return Attributes(
      type: type, permissions: node.permissions, linkCount: 1, owner: node.owner, group: 0, size: size,
      allocatedSize: stored, accessed: time, modified: time, changed: time, deviceNumber: number, generation: 7)
  }

  public func parent(of directory: NodeID) throws(ReadError) -> NodeID {
    for (id, node) in nodes {
      if case .directory(let entries) = node.kind, entries.contains(where: { $0.node == directory.rawValue }) {
        return NodeID(id)
      }
    }
    return root
  }

  public func list(
    _ directory: NodeID, from cookie: UInt64, _ visit: (RawSpan, DirectoryEntry) -> Bool
  ) throws(ReadError) {
    if let failure = try node(directory).failure { throw failure }
    for (index, entry) in try entries(directory).enumerated().dropFirst(Int(clamping: cookie)) {
      let listed = DirectoryEntry(node: NodeID(entry.node), type: nil, cookie: UInt64(index) + 1)
      guard visit(Array(entry.name.utf8).rawSpan, listed) else { return }
    }
  }

  public func linkTarget(of id: NodeID) throws(ReadError) -> [UInt8] {
    guard case .link(let target) = try node(id).kind else { throw .io(.invalidArgument, "node") }
    return Array(target.utf8)
  }

  public func map(_ id: NodeID, _ range: Range<UInt64>, into list: inout ExtentList) throws(ReadError) {
    let node = try node(id)
    if let failure = node.failure { throw failure }
    guard case .file(let extents) = node.kind else { throw .io(.invalidArgument, "node") }
    var start: UInt64 = 0
    for extent in extents where !list.isFull {
      let end = start + extent.length
      let low = max(start, range.lowerBound)
      let high = min(end, range.upperBound)
      if low < high {
        let skip = low - start
        let kind: Extent.Kind =
          switch extent.kind {
          case .mapped(let source, let offset): .mapped(source: source, offset: offset + skip)
          case .encoded(let unit, let before): .encoded(unit, skip: before + Int(skip))
          case .hole, .unwritten: extent.kind
          }
        list.append(kind, length: high - low)
      }
      start = end
    }
  }

  public func decode(_ unit: EncodedUnit, into out: inout OutputRawSpan) throws(ReadError) {
    decodes.withLock { $0[unit.id, default: 0] += 1 }
    guard let bytes = contents[unit.id], bytes.count == unit.size else { throw .corrupt("unit", at: unit.id) }
    out.append(contentsOf: bytes.rawSpan)
  }

  public func extendedAttributeNames(of id: NodeID) throws(ReadError) -> [[UInt8]] {
    try node(id).attributes.map { Array($0.name.utf8) }
  }

  public func extendedAttribute(_ name: RawSpan, of id: NodeID) throws(ReadError) -> [UInt8]? {
    let name = name.array
    return try node(id).attributes.first { Array($0.name.utf8) == name }?.value
  }
}
