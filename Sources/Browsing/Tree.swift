internal import BlockDevices
public import FileSystems

/// What a mount shows, and what the commands that need none walk: a filesystem's own tree, or a disk's raw devices,
/// volumes and links.
///
/// A node has one 64-bit number, from which everything about it is found again by arithmetic: no table grows with
/// what was seen, and forgetting is free. The upper 16 bits hold a filesystem's place plus one, the lower
/// 48 its own number for the node; 0 in the upper bits means a node made here. FUSE wants 1 to be the root.
public final class Tree: Sendable {
  public static let root: UInt64 = 1

  public enum Kind: Sendable { case filesystem, disk }

  /// What of an image to show.
  public enum View: String, Sendable, CaseIterable {
    /// The files of one filesystem, at the root.
    case filesystem
    /// The disk: raw devices as files, and a folder for each volume.
    case disk
  }

  /// A node, found from its number.
  public enum Node {
    case file(any FileSystem, NodeID)
    case made(MadeNode)
  }

  public let kind: Kind
  let fileSystems: [any FileSystem]
  /// Nodes made here by number; 0 is none, and in a filesystem's own tree there are none.
  let made: [MadeNode]
  /// Bytes of the disk, for statfs(2) of what belongs to no filesystem.
  public let diskSize: UInt64
  /// What the nodes made here take over from the image.
  let origin: ImageOrigin

  /// The files of one filesystem.
  public init(of fileSystem: any FileSystem) {
    kind = .filesystem
    fileSystems = [fileSystem]
    made = []
    diskSize = fileSystem.device.size
    origin = ImageOrigin(owner: 0, group: 0, readPermissions: 0, modified: Timestamp(seconds: 0))
  }

  init(made: [MadeNode], fileSystems: [any FileSystem], diskSize: UInt64, origin: ImageOrigin) {
    kind = .disk
    self.origin = origin
    self.made = made
    self.fileSystems = fileSystems
    self.diskSize = diskSize
  }

  /// nil for a number that never was given out.
  public func node(_ number: UInt64) -> Node? {
    let place = Int(number >> 48)
    if place > 0 {
      guard place <= fileSystems.count else { return nil }
      return .file(fileSystems[place - 1], NodeID(number & (NodeID.limit - 1)))
    }
    if kind == .filesystem {
      return number == Self.root ? .file(fileSystems[0], fileSystems[0].root) : nil
    }
    guard number > 0, number < UInt64(made.count) else { return nil }
    return .made(made[Int(number)])
  }

  /// The number of `node` of the filesystem that `neighbour`, a number of the same filesystem, belongs to.
  func number(of node: NodeID, beside neighbour: UInt64) -> UInt64 {
    if kind == .filesystem && node == fileSystems[0].root { return Self.root }
    let place = max(neighbour >> 48, 1)
    return place << 48 | (node.rawValue & (NodeID.limit - 1))
  }

  static func number(of node: NodeID, inFileSystem index: Int) -> UInt64 {
    UInt64(index + 1) << 48 | (node.rawValue & (NodeID.limit - 1))
  }

  /// `st_ino`: the filesystem's own number where only one is shown; else the composed one, because programs take
  /// equal numbers on one device for hard links.
  public func statNumber(_ number: UInt64, _ node: Node) -> UInt64 {
    guard kind == .filesystem, case .file(let fileSystem, let id) = node else { return number }
    return shown(fileSystem.inodeNumber(of: id), of: number)
  }

  /// What to show as the number that a filesystem gives a node. Programs take a listed 0 for an entry that was deleted,
  /// and pass over it; formats that number from 0 exist, and so do damaged inodes.
  func shown(_ inodeNumber: UInt64, of number: UInt64) -> UInt64 { inodeNumber == 0 ? number : inodeNumber }
}

/// A folder, link or raw device that is shown beside what the image's filesystems hold.
public enum MadeNode: Sendable {
  case directory(MadeDirectory)
  case link([UInt8])
  case device(RawDeviceNode)
}

public struct MadeDirectory: Sendable {
  struct Entry: Sendable {
    let name: [UInt8]
    let number: UInt64
    let type: NodeType
  }

  let parent: UInt64
  let entries: [Entry]
  let byName: [[UInt8]: Int]

  /// Of entries with one name, the first stays.
  init(parent: UInt64, entries all: [Entry]) {
    var entries: [Entry] = []
    var byName: [[UInt8]: Int] = [:]
    for entry in all where byName[entry.name] == nil {
      byName[entry.name] = entries.count
      entries.append(entry)
    }
    self.parent = parent
    self.entries = entries
    self.byName = byName
  }
}

/// A filesystem, and where its top is in a tree.
public struct ShownFileSystem: Sendable {
  public let fileSystem: any FileSystem
  /// "/" or "/p2".
  public let path: [UInt8]
}

extension Tree {
  /// The filesystems whose files are shown, in the order of their volumes.
  public var shownFileSystems: [ShownFileSystem] {
    if kind == .filesystem { return fileSystems.map { ShownFileSystem(fileSystem: $0, path: [UInt8(ascii: "/")]) } }
    guard case .made(.directory(let top))? = node(Self.root) else { return [] }
    return top.entries.compactMap { entry in
      guard case .file(let fileSystem, _)? = node(entry.number) else { return nil }
      return ShownFileSystem(fileSystem: fileSystem, path: [UInt8(ascii: "/")] + entry.name)
    }
  }
}
