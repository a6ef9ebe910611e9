internal import BlockDevices
internal import Bytes
internal import Codecs

extension QCOW2 {
  /// The header ("Header" in the specification): 72 bytes in version 2, at least 104 in version 3.
  struct Header: Sendable {
    let version: UInt32
    /// The header's own bytes: extensions begin behind it.
    let length: UInt64
    /// 9 to 21.
    let clusterBits: Int
    /// Bytes of the disk: whole sectors of 512 bytes.
    let size: UInt64
    /// 0, or where the name of the backing file begins.
    let backingOffset: UInt64
    let backingCount: UInt64
    /// The first-level table of the disk's present state: L1.
    let rootOffset: UInt64
    let rootCount: UInt64
    let snapshotOffset: UInt64
    let snapshotCount: UInt32
    /// Bits of a reference count.
    let refcountBits: UInt64
    let encryption: UInt32
    let incompatibleFeatures: UInt64
    let compatibleFeatures: UInt64
    let autoclearFeatures: UInt64
    let compressionType: UInt8

    /// Entries of an L1 table at most: 32 MiB, as QEMU has it.
    static let rootCountLimit: UInt64 = (32 << 20) / 8

    init(of device: any BlockDevice) throws(ImageError) {
      do throws(ReadError) {
        let bytes = try device.bytes(Int(min(112, device.size)), at: 0)
        self = try Self(parsing: bytes.rawSpan)
      } catch {
        throw ImageError(.unreadable(error))
      }
      try check()
    }

    /// Only what is needed to go on is looked at; `check` says what is wrong.
    private init(parsing span: RawSpan) throws(ReadError) {
      version = try span.be32(4, of: "header")
      backingOffset = try span.be64(8, of: "header")
      backingCount = UInt64(try span.be32(16, of: "header"))
      clusterBits = Int(try span.be32(20, of: "header"))
      // QEMU counts in sectors, and leaves out what is less than one.
      size = try span.be64(24, of: "header") & ~511
      encryption = try span.be32(32, of: "header")
      rootCount = UInt64(try span.be32(36, of: "header"))
      rootOffset = try span.be64(40, of: "header")
      snapshotCount = try span.be32(60, of: "header")
      snapshotOffset = try span.be64(64, of: "header")
      guard version >= 3 else {
        length = 72
        incompatibleFeatures = 0
        compatibleFeatures = 0
        autoclearFeatures = 0
        refcountBits = 16
        compressionType = 0
        return
      }
      incompatibleFeatures = try span.be64(72, of: "header")
      compatibleFeatures = try span.be64(80, of: "header")
      autoclearFeatures = try span.be64(88, of: "header")
      let refcountOrder = try span.be32(96, of: "header")
      guard refcountOrder <= 6 else { throw .corrupt("width of reference counts", at: 96) }
      refcountBits = 1 << UInt64(refcountOrder)
      length = UInt64(try span.be32(100, of: "header"))
      compressionType = length > 104 ? try span.u8(104, of: "header") : 0
    }

    private func check() throws(ImageError) {
      guard version == 2 || version == 3 else {
        throw .unsupported("is of version \(version) of qcow2, and versions 2 and 3 are read")
      }
      guard (9...21).contains(clusterBits) else {
        throw .damaged("has clusters of 2^\(clusterBits) bytes, and there are none below 2^9 or above 2^21")
      }
      guard version == 2 || length >= 104 else { throw .damaged("has a header of \(length) bytes, which is too short") }
      guard length <= clusterSize else {
        throw .damaged("has a header of \(length) bytes, which is more than a cluster")
      }
      guard size <= ClusterTables.sizeLimit else { throw .damaged("says that the disk has \(size) bytes") }
      try Self.checkRoot(offset: rootOffset, count: rootCount, clusterSize: clusterSize)
    }

    static func checkRoot(offset: UInt64, count: UInt64, clusterSize: UInt64) throws(ImageError) {
      guard count <= rootCountLimit else {
        throw .damaged("has an L1 table of \(count) entries, and more than \(rootCountLimit) cannot be")
      }
      guard offset.isMultiple(of: clusterSize) else {
        throw .damaged("has an L1 table that does not begin at a cluster (at \(offset))")
      }
      guard offset != 0 || count == 0 else { throw .damaged("has an L1 table in its header") }
    }

    /// The name of the backing file; nil where there is none.
    /// - Parameter head: the image's first cluster, or what there is of it.
    func backingName(in head: [UInt8]) throws(ImageError) -> String? {
      guard backingOffset != 0 else { return nil }
      // As many bytes as QEMU takes.
      guard backingCount <= 1023, backingOffset >= length, backingOffset <= UInt64(head.count),
        backingCount <= UInt64(head.count) - backingOffset
      else {
        throw .damaged("has a backing file whose name does not lie within the header (at \(backingOffset))")
      }
      return String(terminated: Array(head.dropFirst(Int(backingOffset)).prefix(Int(backingCount))))
    }
  }
}

extension QCOW2.Header {
  /// Bytes.
  var clusterSize: UInt64 { 1 << UInt64(clusterBits) }
  /// Bytes of an entry of the second-level tables, L2.
  var entrySize: UInt64 { has(.extendedEntries) ? 16 : 8 }
  var entriesPerTable: UInt64 { clusterSize / entrySize }
  /// Bytes of the disk that one L2 table leads to.
  var coverage: UInt64 {
    get throws(ReadError) {
      try ClusterTables.coverage(clusterSize: clusterSize, entriesPerTable: entriesPerTable)
    }
  }

  /// Whether the data file can be read on its own, as a raw disk.
  var hasRawDataFile: Bool { has(.dataFile) && autoclearFeatures & 2 != 0 }

  var codec: Codec { compressionType == 1 ? .zstd : .deflate }
}
