internal import BlockDevices
internal import DiskImages
internal import DiskStack
internal import Volumes

/// What `inspect` shows of a stack: its volumes and the gaps between them, in the order in which they lie on the disk.
struct InspectReport {
  enum Item {
    case volume(Volume)
    /// Space that no partition takes. Bytes; `parent` is the extended partition that it lies in.
    case free(start: UInt64, size: UInt64, parent: Int?)

    var start: UInt64 {
      switch self {
      case .volume(let volume): volume.start
      case .free(let start, _, _): start
      }
    }

    var parent: Int? {
      switch self {
      case .volume(let volume): volume.partition?.parent
      case .free(_, _, let parent): parent
      }
    }
  }

  let stack: DiskStack
  /// The image, and its backing files in the order in which they stand behind it.
  let images: [ImageLayer]
  /// The snapshot that was asked for, by name or ID.
  let snapshot: String?
  /// Bytes of the image in front of the disk.
  let offset: UInt64
  /// Partitions directly follow what holds them.
  let items: [Item]

  /// Gaps smaller than this are alignment, and not told.
  static let smallestGap: UInt64 = 1 << 20

  init(of stack: DiskStack, options: DiskStack.Options, only volume: Volume?) {
    self.stack = stack
    images = ImageLayer.chain(of: stack.image)
    snapshot = options.image.snapshot
    offset = stack.offset
    if let volume {
      items = [.volume(volume)]
      return
    }
    var items: [Item] = []
    let whole = stack.volumes.filter { $0.partition == nil }
    items += whole.map(Item.volume)
    if let table = stack.table {
      let top = stack.volumes.filter { $0.partition?.parent == nil && $0.partition != nil }
      for item in Self.ordered(top, in: table.usable, parent: nil, of: stack.disk.size) {
        items.append(item)
        guard case .volume(let holder) = item else { continue }
        let held = stack.volumes.filter { $0.partition?.parent == holder.number }
        if held.isEmpty && !(holder.partition?.isContainer ?? false) { continue }
        let end = holder.start + holder.device.size
        items += Self.ordered(held, in: holder.start..<end, parent: holder.number, of: stack.disk.size)
      }
    }
    self.items = items
  }

  /// `volumes` and the gaps between them within `range`, as far as the disk reaches.
  private static func ordered(
    _ volumes: [Volume], in range: Range<UInt64>, parent: Int?, of diskSize: UInt64
  ) -> [Item] {
    var items: [Item] = []
    var reached = range.lowerBound
    let end = min(range.upperBound, diskSize)
    func addGap(upTo next: UInt64) {
      guard next > reached, next - reached >= smallestGap else { return }
      items.append(.free(start: reached, size: next - reached, parent: parent))
    }
    for volume in volumes.sorted(by: { ($0.start, $0.number) < ($1.start, $1.number) }) {
      addGap(upTo: min(volume.start, end))
      items.append(.volume(volume))
      // A volume's size is such that its end does not overflow: its `Slice` would not exist otherwise.
      reached = max(reached, volume.start + volume.device.size)
    }
    addGap(upTo: end)
    return items
  }
}

extension Volume {
  /// One word for what the volume holds.
  var state: String {
    switch contents {
    case .fileSystem: "readable"
    case .unreadable: "unreadable"
    case .unsupported: "unsupported"
    case .container: "container"
    case .unknown: "unknown"
    }
  }
}
