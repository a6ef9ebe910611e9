internal import BlockDevices
internal import Bytes

/// What holds inodes, attributes and indexes: the device, or the file of compressed metadata. Read in pages, which are
/// kept.
extension EROFS {
  final class MetadataSpace: Sendable {
    let device: any BlockDevice
    private let pages: BlockCache
    /// Bytes. Larger than most blocks: the inodes of a directory's files are neighbours.
    fileprivate static let pageSize: UInt64 = 8 << 10

    /// - Parameter budget: bytes that pages may take.
    init(_ device: any BlockDevice, budget: Int) {
      self.device = device
      pages = BlockCache(of: device, blockSize: Int(Self.pageSize), budget: budget)
    }

    /// The page at `start`, or what there is of it at the end of the device.
    fileprivate func page(at start: UInt64) throws(ReadError) -> [UInt8] {
      guard start < device.size else { throw .truncated("metadata", at: start) }
      return try pages.block(Int(min(Self.pageSize, device.size - start)), at: start)
    }
  }

  /// A place in a metadata space, with the page that was used last at hand.
  struct MetadataCursor {
    private let space: MetadataSpace
    /// Bytes from `start` on.
    private(set) var bytes: [UInt8] = []
    private var start: UInt64 = 0

    init(_ space: MetadataSpace) { self.space = space }

    /// Makes `count` bytes at `offset` of the space available in `bytes`.
    /// - Parameter count: bounded by the caller; most often less than a page.
    /// - Returns: where in `bytes` they begin.
    mutating func seek(_ count: Int, at offset: UInt64) throws(ReadError) -> Int {
      if offset >= start, offset - start < UInt64(bytes.count), UInt64(bytes.count) - (offset - start) >= UInt64(count)
      {
        return Int(offset - start)
      }
      let pageStart = offset & ~(MetadataSpace.pageSize - 1)
      let end = try offset.adding(UInt64(count), of: "metadata")
      if end - pageStart <= MetadataSpace.pageSize, let page = try? space.page(at: pageStart),
        end - pageStart <= UInt64(page.count)
      {
        bytes = page
        start = pageStart
        return Int(offset - pageStart)
      }
      // Across pages, or the page cannot be read as a whole.
      bytes = try space.device.bytes(count, at: offset)
      start = offset
      return 0
    }
  }
}
