internal import BlockDevices
internal import Bytes

/// Where a sparse extent keeps what: the same for the three headers that there are.
struct SparseLayout: Sendable {
  /// The headers, by the bytes that they begin with.
  enum Kind {
    /// `KDMV`: VMware's hosted products, and all that is streamed.
    case hosted
    /// `COWD`: snapshots of ESX, and thin disks of its first versions.
    case copyOnWrite
    /// 0xCAFEBABE, in 64 bits: snapshots of ESX on VMFS 6, and larger than 2 TiB.
    case spaceEfficient

    init?(_ head: [UInt8]) {
      if head.starts(with: Array("KDMV".utf8)) {
        self = .hosted
      } else if head.starts(with: Array("COWD".utf8)) {
        self = .copyOnWrite
      } else if head.starts(with: [0xBE, 0xBA, 0xFE, 0xCA, 0, 0, 0, 0]) {
        self = .spaceEfficient
      } else {
        return nil
      }
    }
  }

  /// How entries of the directory and of the tables lead to where something is.
  enum Entries: Sendable {
    /// 32 bits: sectors of the file; 0 for nothing, 1 for a grain of zeros where `hasZeroGrains`.
    case sectors(hasZeroGrains: Bool)
    /// 64 bits: numbers of tables and of grains, counted from the offsets given, in bytes.
    case numbers(tables: UInt64, grains: UInt64)
  }

  /// How grains are compressed: deflate, in the frame of RFC 1950.
  struct Compression: Sendable {
    /// Whether a marker, with the place on the disk and the size, precedes the data.
    let hasMarkers: Bool
  }

  /// Bytes of the disk that the extent holds; below 2⁶³.
  let size: UInt64
  /// Bytes of a grain, a power of two.
  let grainSize: UInt64
  let entriesPerTable: UInt64
  let entries: Entries
  /// Byte offset of the grain directory.
  let directory: UInt64
  /// Byte offset of its copy; nil where there is none.
  var copyOfDirectory: UInt64?
  /// Whether the directory is the copy, because the other one is not where it should be.
  var usesCopy = false
  var compression: Compression?
  /// Byte offsets of what no table and no grain can overlap: the header, the descriptor, the directories.
  var metadata: [Range<UInt64>] = []
  /// Where the descriptor lies in the file; nil where it is a file of its own.
  var descriptor: Range<UInt64>?
  /// Whether whoever wrote the extent had it open for writing to the end.
  var isDirty = false

  static let grainSizeLimit: UInt64 = 1 << 30
  static let compressedGrainSizeLimit: UInt64 = 16 << 20

  /// Bytes of an entry.
  var entrySize: Int {
    switch entries {
    case .sectors: 4
    case .numbers: 8
    }
  }

  /// Bytes of a grain table.
  var tableSize: UInt64 { entriesPerTable * UInt64(entrySize) }

  /// Bytes of the disk that a grain table covers.
  var tableSpan: UInt64 { entriesPerTable * grainSize }

  /// Entries of the grain directory.
  var directoryCount: UInt64 { size / tableSpan + (size % tableSpan == 0 ? 0 : 1) }

  /// - Throws: `.damaged` where a number is out of its bounds.
  init(
    sectors: UInt64, sectorsPerGrain: UInt64, entriesPerTable: UInt64, entries: Entries, directory: UInt64
  ) throws(ImageError) {
    guard sectors <= UInt64(Int64.max) / VMDK.sectorSize else {
      throw .damaged("has an extent of \(sectors) sectors, which is more than there can be")
    }
    guard sectorsPerGrain > 0, sectorsPerGrain & (sectorsPerGrain - 1) == 0,
      sectorsPerGrain <= Self.grainSizeLimit / VMDK.sectorSize
    else {
      throw .damaged("has grains of \(sectorsPerGrain) sectors, which is no power of two up to 2097152")
    }
    guard (1...65536).contains(entriesPerTable) else {
      throw .damaged("has grain tables of \(entriesPerTable) entries, and not 1 to 65536")
    }
    size = sectors * VMDK.sectorSize
    grainSize = sectorsPerGrain * VMDK.sectorSize
    self.entriesPerTable = entriesPerTable
    self.entries = entries
    self.directory = try Self.bytes(ofSectors: directory, "grain directory")
    guard self.directory > 0 || directoryCount == 0 else {
      throw ImageError(.unreadable(.corrupt("grain directory", at: 0)))
    }
    try addMetadata(from: self.directory, count: directoryCount, of: UInt64(entrySize))
  }

  /// The layout that the header of the extent in `device` tells of.
  static func read(from device: any BlockDevice) throws(ImageError) -> SparseLayout {
    let head = try ImageError.wrapping { () throws(ReadError) in
      try device.bytes(Int(min(device.size, 2048)), at: 0)
    }
    switch Kind(head) {
    case .hosted: return try hosted(head, in: device)
    case .copyOnWrite: return try copyOnWrite(head)
    case .spaceEfficient: return try spaceEfficient(head, in: device)
    case nil: throw .damaged("is no sparse extent: it begins with no header of one")
    }
  }

  /// Names a range of bytes that nothing else can overlap.
  mutating func addMetadata(from start: UInt64, count: UInt64, of unit: UInt64) throws(ImageError) {
    let end = try ImageError.wrapping { () throws(ReadError) in
      try start.adding(try count.multiplied(by: unit, of: "grain directory"), of: "grain directory")
    }
    if end > start { metadata.append(start..<end) }
  }

  static func bytes(ofSectors count: UInt64, _ subject: StaticString) throws(ImageError) -> UInt64 {
    try ImageError.wrapping { () throws(ReadError) in try count.multiplied(by: VMDK.sectorSize, of: subject) }
  }
}
