internal import BlockDevices
internal import Bytes

/// Finds inodes, and tells where contents lie: all that does not need a directory.
extension EROFS {
  final class Mapper: UnitDecoder {
    let superblock: Superblock
    let devices: DeviceTable
    /// The device itself, as far as it holds metadata.
    let main: MetadataSpace
    /// The file of compressed metadata; nil where there is none, and for whatever that file itself is read by.
    let box: MetadataSpace?
    /// The file of fragments; nil where there is none, and for whatever that file itself is read by.
    let packed: InodeMap?
    let units: UnitCache?

    private init(
      superblock: Superblock, devices: DeviceTable, main: MetadataSpace, box: MetadataSpace?, packed: InodeMap?,
      units: UnitCache?
    ) {
      self.superblock = superblock
      self.devices = devices
      self.main = main
      self.box = box
      self.packed = packed
      self.units = units
    }

    /// The special files are opened in turn, each by what is there without it: so none of them can lead to itself.
    convenience init(of superblock: Superblock, devices: DeviceTable, options: OpenOptions) throws(ReadError) {
      let budget = max(options.metadataBudget, 0)
      let hasBox = superblock.metadataBoxNumber != nil
      let main = MetadataSpace(devices.sources[0], budget: hasBox ? budget / 4 : budget)
      var mapper: Mapper {
        Mapper(superblock: superblock, devices: devices, main: main, box: nil, packed: nil, units: options.units)
      }
      var box: MetadataSpace?
      if let number = superblock.metadataBoxNumber {
        let inode = try mapper.inode(number)
        guard inode.type == .regular else { throw .corrupt("file of compressed metadata", at: number) }
        box = MetadataSpace(
          ComposedDevice(InodeMap(of: inode, by: mapper), units: options.units), budget: budget / 2)
      }
      var packed: InodeMap?
      if let number = superblock.packedNumber {
        let reader = Mapper(
          superblock: superblock, devices: devices, main: main, box: box, packed: nil, units: options.units)
        let inode = try reader.inode(number)
        guard inode.type == .regular else { throw .corrupt("file of fragments", at: number) }
        packed = InodeMap(of: inode, by: reader)
      }
      self.init(
        superblock: superblock, devices: devices, main: main, box: box, packed: packed, units: options.units)
    }

    /// - Parameter isInBox: whether the file of compressed metadata is meant.
    func space(isInBox: Bool) throws(ReadError) -> MetadataSpace {
      guard isInBox else { return main }
      guard let box else { throw .corrupt("inode number") }
      return box
    }

    func cursor(for inode: Inode) throws(ReadError) -> MetadataCursor {
      MetadataCursor(try space(isInBox: inode.isInMetadataBox))
    }

    func inode(_ number: UInt64) throws(ReadError) -> Inode {
      var cursor = MetadataCursor(try space(isInBox: number & EROFS.metadataBoxBit != 0))
      return try Inode(number: number, in: superblock, by: &cursor)
    }
  }

  /// An inode's contents as a map, for what the filesystem itself keeps in files.
  final class InodeMap: ExtentMap {
    private let inode: Inode
    private let mapper: Mapper

    init(of inode: Inode, by mapper: Mapper) {
      self.inode = inode
      self.mapper = mapper
    }

    var size: UInt64 { inode.size }
    var sources: [any BlockDevice] { mapper.devices.sources }
    var decoder: any UnitDecoder { mapper }

    func map(_ range: Range<UInt64>, into extents: inout ExtentList) throws(ReadError) {
      try mapper.map(inode, range, into: &extents)
    }
  }
}

extension EROFS.Mapper {
  /// Where an inode's contents lie: the contract of `ExtentMap.map`.
  func map(_ inode: EROFS.Inode, _ range: Range<UInt64>, into extents: inout ExtentList) throws(ReadError) {
    switch inode.storage {
    case .plain, .inline: try mapFlat(inode, range, into: &extents)
    case .chunks: try mapChunks(of: inode, range, into: &extents)
    case .compressedFull, .compressedCompact: try mapCompressed(inode, range, into: &extents)
    }
  }

  /// Appends the extents of a run of metadata, which stands in the inode's own space.
  func mapMetadata(
    _ offset: UInt64, length: UInt64, of inode: EROFS.Inode, into extents: inout ExtentList
  ) throws(ReadError) {
    guard inode.isInMetadataBox else { return extents.append(.mapped(source: 0, offset: offset), length: length) }
    guard let box = try space(isInBox: true).device as? ComposedDevice<EROFS.InodeMap>,
      box.contains(length, at: offset)
    else { throw .truncated("metadata", at: offset) }
    try box.map.map(offset..<(offset + length), into: &extents)
  }

  /// The `count` bytes at `offset` of an inode's contents. For small things: the caller bounds `count`.
  func contents(of inode: EROFS.Inode, count: Int, at offset: UInt64) throws(ReadError) -> [UInt8] {
    try ComposedDevice(EROFS.InodeMap(of: inode, by: self), units: units).bytes(count, at: offset)
  }
}
