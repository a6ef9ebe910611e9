internal import BlockDevices
internal import Bytes
internal import Codecs

/// A qcow2 image, versions 2 and 3, of QEMU.
///
/// Specified in docs/interop/qcow2.txt of QEMU; big-endian throughout.
///
///     header │ extensions │ name of the backing file        the first cluster
///     L1 ──→ L2 ──→ clusters of data, or of compressed data
///     snapshots: a table with an L1 each
///
/// Read: clusters of 512 bytes to 2 MiB; zero, unallocated and compressed clusters (deflate, Zstandard); extended L2
/// entries, which tell of 32 parts of a cluster each; backing files; a data file of its own (whose name is relative to
/// the image's folder here, while qemu takes it as relative to where it runs); internal snapshots.
/// Dirty and corrupt images are read, and said to be so: what is stale in a dirty one are its reference counts, and
/// these nobody needs for reading. Bitmaps are passed over.
///
/// Not read: encrypted images (AES, LUKS), and incompatible features other than those above.
final class QCOW2: VirtualDisk {
  static let format = ImageFormat.qcow2
  static let keepsSnapshots = true

  let size: UInt64
  let sources: [any BlockDevice]
  let parent: DiskImage?
  let furtherFiles: [HostFile]

  let header: Header
  let extensions: Extensions
  /// As the header has it; nil where there is none.
  let backingName: String?
  let snapshots: [Snapshot]
  let tables: ClusterTables
  let device: any BlockDevice
  /// Indices into `sources`.
  let dataSource: Int
  let parentSource: Int

  /// Version 1 is another format of the same magic number. Later ones than those that are read are refused by name.
  static func recognizes(_ probe: ImageProbe) -> Bool {
    probe.has("QFI\u{FB}".unicodeScalars.map { UInt8($0.value) }) && !probe.has([0, 0, 0, 1], at: 4)
  }

  init(reading file: ImageFile) throws(ImageError) {
    device = file.device
    header = try Header(of: file.device)
    // Extensions, and the backing file's name, lie within the first cluster.
    let head = try file.bytes(Int(min(header.clusterSize, file.device.size)), at: 0)
    extensions = try Extensions(parsing: head, header)
    try header.refuseUnknownFeatures(extensions)

    snapshots = try Snapshot.all(of: header, in: file.device)
    let root: (offset: UInt64, count: UInt64)
    if let name = file.options.snapshot {
      let snapshot = try Snapshot.named(name, among: snapshots)
      root = (snapshot.rootOffset, snapshot.rootCount)
      try Header.checkRoot(offset: root.offset, count: root.count, clusterSize: header.clusterSize)
      size = snapshot.summary.diskSize
    } else {
      root = (header.rootOffset, header.rootCount)
      size = header.size
      let needed = try ImageError.wrapping { [header] () throws(ReadError) in
        ClusterTables.rootCount(for: header.size, coverage: try header.coverage)
      }
      guard needed <= root.count else {
        throw .damaged("has an L1 table of \(root.count) entries, but its size asks for \(needed)")
      }
    }
    let pages = file.tableCache()
    let rootTable = try file.table(at: root.offset, count: root.count, entrySize: 8, pages: pages)
    tables = try ImageError.wrapping { [header] () throws(ReadError) in
      try ClusterTables(
        root: rootTable, pages: pages, device: file.device, clusterSize: header.clusterSize,
        entriesPerTable: header.entriesPerTable, entrySize: header.entrySize)
    }

    let dataFile = try Self.openDataFile(header, extensions, of: file)
    backingName = try header.backingName(in: head)
    parent = try Self.openParent(backingName, extensions, of: file)
    furtherFiles = dataFile.map { [$0] } ?? []
    var sources = [file.device]
    if let dataFile { sources.append(dataFile) }
    dataSource = sources.count - 1
    parentSource = sources.count
    if let parent { sources.append(parent.disk) }
    self.sources = sources
  }

  private static func openDataFile(
    _ header: Header, _ extensions: Extensions, of file: ImageFile
  ) throws(ImageError) -> HostFile? {
    guard header.has(.dataFile) else { return nil }
    guard let name = extensions.dataFile, !name.isEmpty else {
      throw .damaged("keeps its data in another file, but does not name it")
    }
    return try file.openPart(name)
  }

  private static func openParent(
    _ name: String?, _ extensions: Extensions, of file: ImageFile
  ) throws(ImageError) -> DiskImage? {
    guard let name, !name.isEmpty else { return nil }
    return try file.openParent([name], format: try BackingFormat.format(named: extensions.backingFormat, of: file))
  }
}
