public import BlockDevices
public import Bytes
internal import Synchronization
internal import SystemPackage

/// Data blocks: all of a file's are stored behind each other, and a list behind the inode has their stored lengths.
///
///     stored length:24 | not compressed:1 | zero:7        0 for a block of zeros, which is not stored
extension SquashFS {
  public func map(_ node: NodeID, _ range: Range<UInt64>, into extents: inout ExtentList) throws(ReadError) {
    let inode = try inode(node)
    guard case .file(let file) = inode.body else { throw .io(.invalidArgument, "file", at: node.rawValue) }
    guard range.upperBound <= inode.size else { throw .truncated("file", at: node.rawValue) }
    let listed = listedSize(of: inode, file)
    if range.lowerBound < listed {
      try mapBlocks(of: inode, file, range.clamped(to: 0..<listed), into: &extents)
    }
    guard range.upperBound > listed, !extents.isFull else { return }
    try mapFragment(of: inode, file, range.clamped(to: listed..<inode.size), from: listed, into: &extents)
  }

  /// Bytes that lie in blocks of the file's own: all of them, or all but the last few, which are in a fragment then.
  func listedSize(of inode: Inode, _ file: Inode.File) -> UInt64 {
    file.fragment == nil ? inode.size : inode.size & ~UInt64(superblock.blockSize - 1)
  }

  /// A place in a list of blocks.
  struct BlockPlace: Sendable {
    /// Number of the block.
    var number: UInt64
    /// Where its entry is.
    var entry: MetadataPlace
    /// Byte position of its data on the device.
    var data: UInt64
  }

  private func mapBlocks(
    of inode: Inode, _ file: Inode.File, _ range: Range<UInt64>, into extents: inout ExtentList
  ) throws(ReadError) {
    let shift = superblock.blockShift
    let size = listedSize(of: inode, file)
    let target = range.lowerBound >> shift
    let known = lists.places(of: inode, blockCount: size >> shift)
    var place = known?.nearest(to: target) ?? BlockPlace(number: 0, entry: inode.tail, data: file.start)
    var cursor = try MetadataCursor(
      of: metadata, at: place.entry, in: superblock.inodeRegion, subject: "list of blocks")
    try pass(from: &place, to: target, of: inode, by: &cursor, noting: known)

    var position = range.lowerBound
    while position < range.upperBound && !extents.isFull {
      let start = position & ~UInt64(superblock.blockSize - 1)
      let decodedSize = min(UInt64(superblock.blockSize), size - start)
      let length = min(start + decodedSize, range.upperBound) - position
      let stored = try cursor.read(4) { (span) throws(ReadError) in try StoredBlock(parsing: span) }
      let kind = try extent(
        of: stored, at: place.data, decodedSize: Int(decodedSize), skip: Int(position - start), inode)
      extents.append(kind, length: length)
      position += length
      place.data = try place.data.adding(UInt64(stored.length), of: "list of blocks")
      place.number += 1
      if let known, known.isStop(place.number) {
        place.entry = cursor.place
        known.note(place)
      }
    }
    place.entry = cursor.place
    known?.note(place)
  }

  private func extent(
    of stored: StoredBlock, at position: UInt64, decodedSize: Int, skip: Int, _ inode: Inode
  ) throws(ReadError) -> Extent.Kind {
    guard stored.length > 0 else { return .hole }
    try checkData(stored.length, at: position, of: "data block")
    if stored.isCompressed {
      return .encoded(EncodedUnit(position, detail: UInt64(stored.length), size: decodedSize), skip: skip)
    }
    guard stored.length == decodedSize else { throw .corrupt("data block", at: position) }
    return .mapped(source: 0, offset: position + UInt64(skip))
  }

  /// Whether a stored block can be what its entry says: no larger than a block, and within the filesystem.
  func checkData(_ length: Int, at position: UInt64, of subject: StaticString) throws(ReadError) {
    guard length <= superblock.blockSize, position <= superblock.size, UInt64(length) <= superblock.size - position
    else { throw .corrupt(subject, at: position) }
  }

  /// Goes over entries, adding up what their blocks take.
  private func pass(
    from place: inout BlockPlace, to target: UInt64, of inode: Inode, by cursor: inout MetadataCursor,
    noting known: BlockListPlaces?
  ) throws(ReadError) {
    while place.number < target {
      let until = min(target, known?.nextStop(behind: place.number) ?? target)
      let count = Int(min(until - place.number, 512))
      var sum: UInt64 = 0
      try cursor.read(count * 4) { (span) throws(ReadError) in
        for index in 0..<count { sum += UInt64(try StoredBlock(try span.le32(index * 4)).length) }
      }
      place.data = try place.data.adding(sum, of: "list of blocks")
      place.number += UInt64(count)
      if place.number == until, let known {
        place.entry = cursor.place
        known.note(place)
      }
    }
  }

  /// How a data block is stored.
  struct StoredBlock {
    /// Bytes; 0 for a block of zeros.
    let length: Int
    let isCompressed: Bool

    init(_ value: UInt32) throws(ReadError) {
      guard value >> 25 == 0 else { throw .corrupt("length of a data block", at: UInt64(value)) }
      length = Int(value & 0xff_ffff)
      isCompressed = value & 0x100_0000 == 0
    }

    init(parsing span: RawSpan, at offset: Int = 0) throws(ReadError) {
      try self.init(try span.le32(offset))
    }
  }
}

/// Remembers places in the lists of large files, so that a read somewhere in them does not add up all lengths before it.
extension SquashFS {
  final class BlockLists: Sendable {
    private let kept: FixedCache<BlockListPlaces>

    /// Files with fewer blocks are quicker to add up.
    private static let smallest: UInt64 = 1024
    /// Bytes of memory that the places of one file take at most.
    private static let listSize = BlockListPlaces.limit * MemoryLayout<BlockPlace>.stride

    init(budget: Int) { kept = FixedCache(places: budget / Self.listSize) }

    func places(of inode: Inode, blockCount: UInt64) -> BlockListPlaces? {
      guard blockCount > Self.smallest else { return nil }
      if let places = kept[inode.node.rawValue] { return places }
      let places = BlockListPlaces(blockCount: blockCount)
      kept.insert(places, for: inode.node.rawValue)
      return places
    }
  }

  /// Places in one list: at regular distances as far as it has been read, and the last that was read.
  final class BlockListPlaces: Sendable {
    static let limit = 256
    /// Blocks from one place to the next.
    private let distance: UInt64
    private let state = Mutex<(stops: [BlockPlace], last: BlockPlace?)>(([], nil))

    init(blockCount: UInt64) {
      distance = max(1024, blockCount / UInt64(Self.limit) + 1)
    }

    /// The last place that is known at or before a block; nil for the list's start.
    func nearest(to target: UInt64) -> BlockPlace? {
      state.withLock { state in
        var nearest: BlockPlace?
        let stop = min(target / distance, UInt64(state.stops.count))
        if stop > 0 { nearest = state.stops[Int(stop) - 1] }
        if let last = state.last, last.number <= target, last.number > nearest?.number ?? 0 { nearest = last }
        return nearest
      }
    }

    func isStop(_ number: UInt64) -> Bool { number % distance == 0 }

    /// The next block whose place is worth a note.
    func nextStop(behind number: UInt64) -> UInt64 { (number / distance + 1) * distance }

    func note(_ place: BlockPlace) {
      state.withLock { state in
        let isNextStop = place.number == (UInt64(state.stops.count) + 1) * distance
        if isNextStop && state.stops.count < Self.limit { state.stops.append(place) } else { state.last = place }
      }
    }
  }
}
