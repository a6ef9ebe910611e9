internal import BlockDevices
public import DiskStack
internal import FileSystems
internal import Volumes

extension Tree {
  /// The disk's view: `disk.raw`, for each volume `pN/` where a driver reads it and `pN.raw` always, and links under
  /// `by-label`, `by-uuid`, `by-partlabel` and `by-partuuid` as udev makes them under /dev/disk.
  public convenience init(ofDisk stack: DiskStack) {
    var builder = DiskTreeBuilder()
    builder.addDevice(named: "disk.raw", RawDeviceNode(stack.disk))
    for volume in stack.volumes { builder.add(volume) }
    self.init(
      made: builder.finish(), fileSystems: builder.fileSystems, diskSize: stack.disk.size,
      origin: ImageOrigin(of: stack.image))
  }
}

struct DiskTreeBuilder {
  private(set) var fileSystems: [any FileSystem] = []
  /// Number 0 is none, number 1 the root, which is made last.
  private var made: [MadeNode] = [.directory(MadeDirectory(parent: 0, entries: [])), .link([])]
  private var entries: [MadeDirectory.Entry] = []
  private var links = LinkFolder.allCases.map { (folder: $0, entries: [MadeDirectory.Entry]()) }

  private enum LinkFolder: String, CaseIterable {
    case label = "by-label"
    case uuid = "by-uuid"
    case partitionLabel = "by-partlabel"
    case partitionUUID = "by-partuuid"
  }

  mutating func addDevice(named name: String, _ device: RawDeviceNode) {
    entries.append(.init(name: Array(name.utf8), number: add(.device(device)), type: .regular))
  }

  mutating func add(_ volume: Volume) {
    var target = volume.name + ".raw"
    if let fileSystem = volume.fileSystem, fileSystems.count < 0xFFFF {
      let number = Tree.number(of: fileSystem.root, inFileSystem: fileSystems.count)
      fileSystems.append(fileSystem)
      entries.append(.init(name: Array(volume.name.utf8), number: number, type: .directory))
      target = volume.name
    }
    // Number 0 is the whole disk, and disk.raw its raw device.
    if volume.number != 0 {
      addDevice(named: volume.name + ".raw", RawDeviceNode(volume.device))
    } else if volume.fileSystem == nil {
      target = "disk.raw"
    }
    let label = volume.fileSystem.map(\.summary.label) ?? volume.signature?.label.map { Array($0.utf8) }
    addLink(.label, label, to: target)
    addLink(.uuid, (volume.fileSystem?.summary.uuid ?? volume.signature?.uuid).map { Array($0.utf8) }, to: target)
    addLink(.partitionLabel, volume.partition?.label.map { Array($0.utf8) }, to: target)
    addLink(.partitionUUID, volume.partition?.uuid.map { Array($0.utf8) }, to: target)
  }

  private mutating func addLink(_ folder: LinkFolder, _ name: [UInt8]?, to target: String) {
    guard let name, !name.isEmpty, let place = links.firstIndex(where: { $0.folder == folder }) else { return }
    let encoded = DeviceLinkName.encode(name)
    guard encoded.count <= 255 else { return }
    let number = add(.link(Array("../\(target)".utf8)))
    links[place].entries.append(.init(name: encoded, number: number, type: .symbolicLink))
  }

  private mutating func add(_ node: MadeNode) -> UInt64 {
    made.append(node)
    return UInt64(made.count - 1)
  }

  mutating func finish() -> [MadeNode] {
    for (folder, entries) in links where !entries.isEmpty {
      let number = add(.directory(MadeDirectory(parent: Tree.root, entries: entries)))
      self.entries.append(.init(name: Array(folder.rawValue.utf8), number: number, type: .directory))
    }
    made[Int(Tree.root)] = .directory(MadeDirectory(parent: Tree.root, entries: entries))
    return made
  }
}
