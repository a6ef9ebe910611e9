import BlockDevices
import Bytes
import DiskImages
import FileSystems
import SystemPackage

/// An image, and where in it changes are worth making.
final class Target {
  let path: String
  let file: HostFile
  /// What the driver reads when it walks the image without reading files, ascending.
  let metadata: [Range<UInt64>]
  let kind: Kind
  /// Where checksums cover all metadata, what the undamaged filesystem answers.
  let answers: Answers?
  private let layout: Ext4Fields?
  private let erofs: EROFSFields?
  private let squashfs: SquashFSFields?
  private let nodes: [UInt64]

  enum Kind { case fileSystem, partitionedDisk, image }

  init(_ path: String) throws {
    self.path = path
    file = try HostFile(opening: FilePath(path))
    let recorder = RecordingDevice(file)
    var nodes: Set<UInt64> = []
    var answers: Answers?
    layout = Ext4Fields(file)
    erofs = EROFSFields(file)
    squashfs = SquashFSFields(file)
    for driver in FileSystemCatalog.drivers {
      guard let fileSystem = try? driver.init(reading: recorder, options: OpenOptions()) else { continue }
      var walk = Walk(fileSystem, seed: 0, readsFiles: false)
      if layout?.hasChecksums == true { walk.answers = Answers() }
      walk.run()
      answers = walk.answers
      nodes = Set(walk.visited.map(\.rawValue))
    }
    if let image = try? DiskImage(in: recorder, path: file.path), image.format != .raw {
      kind = .image
      var walk = ImageWalk(image, seed: 0)
      walk.run(readsData: false)
    } else {
      kind = nodes.isEmpty ? .partitionedDisk : .fileSystem
    }
    let ranges = kind == .partitionedDisk ? try Self.tables(of: file) : recorder.ranges
    metadata = ranges.sorted { ($0.lowerBound, $0.upperBound) < ($1.lowerBound, $1.upperBound) }
    self.answers = answers
    self.nodes = nodes.sorted()
  }

  /// Where the tables of a disk are: its start, its end, and each sector that ends as boot records do.
  private static func tables(of file: HostFile) throws -> Set<Range<UInt64>> {
    let tableSize = min(file.size, 24 << 10)
    var ranges: Set<Range<UInt64>> = [0..<tableSize, (file.size - tableSize)..<file.size]
    var position: UInt64 = 0
    while position < file.size {
      var extents = HostExtentList(limit: 64, findsHostHoles: true)
      try file.resolve(position..<file.size, into: &extents)
      for extent in extents.extents {
        if case .host = extent.kind {
          for sector in stride(from: position, to: position + extent.length, by: 512)
          where (try? file.bytes(2, at: sector + 510)) == [0x55, 0xAA] {
            ranges.insert((sector + 440)..<(sector + 512))
          }
        }
        position += extent.length
      }
    }
    return ranges
  }

  /// A place within the metadata: mostly at a byte that is not zero.
  func place(_ random: inout Random) -> UInt64 {
    if random.oneIn(8), kind == .fileSystem, file.size > 2048 { return 1024 + UInt64(random.below(1024)) }
    guard let range = random.pick(metadata) else { return 0 }
    let start = range.lowerBound + random.next() % UInt64(range.count)
    guard !random.oneIn(4) else { return start }
    let count = Int(min(range.upperBound - start, 4096))
    guard let bytes = try? file.bytes(count, at: start), let index = bytes.firstIndex(where: { $0 != 0 }) else {
      return start
    }
    return start + UInt64(index)
  }

  func field(_ random: inout Random) -> Field? {
    if let erofs {
      guard !random.oneIn(8), let node = random.pick(nodes) else { return random.pick(erofs.superblock) }
      return random.pick(erofs.fields(ofNode: node))
    }
    if let squashfs {
      switch random.below(8) {
      case 0: return random.pick(squashfs.superblock)
      case 1: return random.pick(squashfs.indexes)
      case 2, 3: return squashfs.directoryFields(&random)
      default: return random.pick(nodes).flatMap { random.pick(squashfs.fields(ofNode: $0)) }
      }
    }
    guard let layout else { return nil }
    switch random.below(10) {
    case 0: return random.pick(layout.superblock)
    case 1: return random.pick(layout.descriptors)
    case 2...5:
      guard let node = random.pick(nodes), let inode = layout.inode(node, in: file) else { return nil }
      return random.pick(layout.fields(ofInode: inode, in: file))
    default:
      guard let range = random.pick(metadata), range.count <= 65536,
        let bytes = try? file.bytes(range.count, at: range.lowerBound)
      else { return nil }
      return random.pick(layout.fields(ofBlock: bytes, at: range.lowerBound))
    }
  }

  /// A number that means something: a block of metadata or an inode.
  func reference(_ random: inout Random) -> UInt64 {
    if random.oneIn(2), let node = random.pick(nodes) { return node }
    if kind == .image { return random.next() % (file.size * 2 + 1) & ~[0, 511, 4095, 65535][random.below(4)] }
    if let erofs, let range = random.pick(metadata) { return erofs.block(of: range.lowerBound) }
    if let squashfs { return squashfs.position(&random) }
    guard let layout, let range = random.pick(metadata) else { return random.next() }
    return range.lowerBound / UInt64(layout.blockSize)
  }

  /// The edits that turn the checksums of metadata off, so that others are not found out by them; the groups' too.
  var editsAgainstChecksums: [MutatedDevice.Edit] {
    if let erofs { return [erofs.editAgainstChecksum] }
    guard layout != nil, let bytes = try? file.bytes(4, at: 1024 + 100), let features = try? bytes.rawSpan.le32(0)
    else {
      return []
    }
    return [edit(at: 1024 + 100, UInt64(features & ~0x410), width: 4)]
  }
}

/// The edit that stores an integer.
func edit(at offset: UInt64, _ value: UInt64, width: Int, bigEndian: Bool = false) -> MutatedDevice.Edit {
  let bytes = (0..<width).map { UInt8(truncatingIfNeeded: value >> UInt64($0 * 8)) }
  return MutatedDevice.Edit(offset: offset, bytes: bigEndian ? bytes.reversed() : bytes)
}
