internal import BlockDevices
internal import Bytes

/// VMware's virtual disks.
///
/// Specified in "Virtual Disk Format 5.0" (VMware, 2011): the text descriptor, the sparse extents of hosted products
/// (`KDMV`), the copy-on-write disks of ESX (`COWD`) and the compressed, streamable form. seSparse extents are not
/// published; their layout is known from qemu's block driver.
///
///     descriptor ──┬─ extent 0: FLAT, VMFS        bytes of a file or device, from an offset on
///                  ├─ extent 1: SPARSE            header → grain directory → grain tables → grains, maybe compressed
///                  ├─ extent 2: ZERO              nothing
///                  └─ parent, by name and content ID: what no grain of a sparse extent holds
///
/// The descriptor is a file of its own or lies in the one sparse extent there is. Read is every kind of disk that hosts
/// without VMFS can have: monolithicSparse, monolithicFlat, twoGbMaxExtentSparse, twoGbMaxExtentFlat, streamOptimized,
/// vmfs, vmfsSparse, seSparse, fullDevice, partitionedDevice, custom, and chains of them. Not read are disks mapped by
/// VMFS to a raw device (but where the device itself is named), encrypted disks, and the journal of a seSparse extent.
///
/// An extent is no device of its own here: the map of the disk goes through all of them, so that it tells what is data,
/// zero and absent.
final class VMDK: IdentifiedDisk {
  static let format = ImageFormat.vmdk
  static let identifierTerm = "content ID"
  static let identifierTellsContents = true

  static func recognizes(_ probe: ImageProbe) -> Bool {
    SparseLayout.Kind(probe.head) != nil || Descriptor.isStart(of: probe.head)
  }

  /// Bytes of a sector: all of the format counts in them.
  static let sectorSize: UInt64 = 512

  let size: UInt64
  let sources: [any BlockDevice]
  let parent: DiskImage?
  let furtherFiles: [HostFile]
  /// nil for an extent that was opened without the descriptor of its disk.
  let descriptor: Descriptor?
  /// In the order of the disk, none of them empty.
  let extents: [DiskExtent]
  let notices: [String]
  /// Index of the parent's disk, which has what no grain holds, among the sources.
  private let parentSource: Int

  var identifier: String? { descriptor?.contentID.map(Descriptor.text(ofContentID:)) }

  init(reading file: ImageFile) throws(ImageError) {
    var assembly = Assembly(of: file)
    let head = try file.bytes(Int(min(file.device.size, 4096)), at: 0)
    if SparseLayout.Kind(head) != nil {
      descriptor = try assembly.addExtentOfItsOwn()
    } else if Descriptor.isStart(of: head) {
      let descriptor = try Descriptor(reading: file, 0..<file.device.size)
      try assembly.add(descriptor)
      self.descriptor = descriptor
    } else {
      throw .damaged("is no VMDK: it begins with neither a descriptor nor an extent's header")
    }
    parent = try assembly.openParent(of: descriptor)
    var sources = assembly.sources
    parentSource = sources.count
    if let parent { sources.append(parent.disk) }
    self.sources = sources
    size = assembly.size
    extents = assembly.extents
    furtherFiles = assembly.files
    notices = assembly.notices
  }

  func map(_ range: Range<UInt64>, into list: inout ExtentList) throws(ReadError) {
    var position = range.lowerBound
    var index = self.index(at: position)
    while position < range.upperBound && !list.isFull && index < extents.count {
      let extent = extents[index]
      let end = min(extent.end, range.upperBound)
      let before = list.length
      try extent.map(position..<end, parent: parent, parentSource: parentSource, into: &list)
      position += list.length - before
      guard position == end else { return }
      index += 1
    }
  }

  /// - Parameter unit: its id is the sector of the disk that a compressed grain begins at.
  func decode(_ unit: EncodedUnit, into out: inout OutputRawSpan) throws(ReadError) {
    let position = try unit.id.multiplied(by: Self.sectorSize, of: "compressed grain")
    guard position < self.size, case let extent = extents[index(at: position)],
      case .sparse(let sparse, _) = extent.contents
    else { throw .corrupt("compressed grain", at: unit.id) }
    try sparse.decode(grainAt: position - extent.start, size: unit.size, into: &out)
  }

  /// The extent that holds `offset`, which lies within the disk.
  private func index(at offset: UInt64) -> Int {
    max(extents.indices.partitioningIndex { extents[$0].start > offset } - 1, 0)
  }
}
