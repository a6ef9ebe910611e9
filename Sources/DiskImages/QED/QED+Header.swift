internal import BlockDevices
internal import Bytes

extension QED {
  /// The header, of 64 bytes.
  struct Header: Sendable {
    /// Bytes, a power of two.
    let clusterSize: UInt64
    /// Bytes of the header with the name of the backing file: whole clusters.
    let count: UInt64
    /// Entries of a table, of 8 bytes each.
    let entriesPerTable: UInt64
    /// Bytes of the disk.
    let size: UInt64
    let rootOffset: UInt64
    let needsCheck: Bool
    /// nil where there is no backing file.
    let backingName: String?
    let backingIsRaw: Bool

    private static let hasBackingFile: UInt64 = 1
    private static let needsCheckFlag: UInt64 = 2
    private static let backingIsRawFlag: UInt64 = 4

    init(of file: ImageFile) throws(ImageError) {
      let bytes = try file.bytes(64, at: 0)
      let span = bytes.rawSpan
      let tableSize: UInt32
      let headerSize: UInt32
      let features: UInt64
      let name: (offset: UInt32, count: UInt32)
      do throws(ReadError) {
        clusterSize = UInt64(try span.le32(4, of: "header"))
        tableSize = try span.le32(8, of: "header")
        headerSize = try span.le32(12, of: "header")
        features = try span.le64(16, of: "header")
        rootOffset = try span.le64(40, of: "header")
        size = try span.le64(48, of: "header")
        name = (try span.le32(56, of: "header"), try span.le32(60, of: "header"))
      } catch {
        throw ImageError(.unreadable(error))
      }
      if let bit = (3..<64).first(where: { features >> $0 & 1 != 0 }) {
        throw .unsupported("uses a feature unknown to this program: number \(bit)")
      }
      guard clusterSize.nonzeroBitCount == 1, (1 << 12...1 << 26).contains(clusterSize) else {
        throw .damaged("has clusters of \(clusterSize) bytes, which cannot be")
      }
      guard [1, 2, 4, 8, 16].contains(tableSize) else {
        throw .damaged("has tables of \(tableSize) clusters, which cannot be")
      }
      entriesPerTable = UInt64(tableSize) * clusterSize / 8
      count = UInt64(headerSize) * clusterSize
      let (count, fileSize) = (count, file.device.size)
      guard headerSize > 0, count <= fileSize else {
        throw .damaged("has a header of \(headerSize) clusters, which the file does not have")
      }
      guard size.isMultiple(of: 512), size <= ClusterTables.sizeLimit else {
        throw .damaged("says that the disk has \(size) bytes")
      }
      guard rootOffset >= count, rootOffset.isMultiple(of: clusterSize) else {
        throw .damaged("has an L1 table in its header, or not at a cluster (at \(rootOffset))")
      }
      needsCheck = features & Self.needsCheckFlag != 0
      backingIsRaw = features & Self.backingIsRawFlag != 0
      guard features & Self.hasBackingFile != 0 else {
        backingName = nil
        return
      }
      guard name.count <= 1023, UInt64(name.offset) + UInt64(name.count) <= count else {
        throw .damaged("has a backing file whose name does not lie within the header (at \(name.offset))")
      }
      backingName = String(terminated: try file.bytes(Int(name.count), at: UInt64(name.offset)))
    }
  }
}
