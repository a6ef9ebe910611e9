internal import BlockDevices
internal import Bytes
internal import Codecs

/// The superblock, `struct squashfs_super_block`: 96 bytes at the start.
extension SquashFS {
  static let magic: UInt32 = 0x7371_7368
  static let superblockSize = 96

  struct Superblock: Sendable {
    let inodeCount: UInt32
    /// Seconds since 1970.
    let created: UInt32
    /// Bytes, 4 KiB to 1 MiB: a power of two.
    let blockSize: Int
    let blockShift: UInt64
    let fragmentCount: UInt32
    let compression: Compression
    let flags: Flags
    let idCount: Int
    let root: NodeID
    /// Bytes that the filesystem takes, from the device's start.
    let size: UInt64
    let inodeTable: UInt64
    let directoryTable: UInt64
    let idTable: UInt64
    /// nil where there is none.
    let attributeTable: UInt64?
    /// nil where there are no fragments.
    let fragmentTable: UInt64?
    /// nil where there is none.
    let exportTable: UInt64?
  }

  /// What the flags say; but of what is compressed and what is not, each block says itself.
  struct Flags: OptionSet, Sendable {
    let rawValue: UInt16

    static let uncompressedInodes = Flags(rawValue: 0x1)
    static let uncompressedData = Flags(rawValue: 0x2)
    static let check = Flags(rawValue: 0x4)
    static let uncompressedFragments = Flags(rawValue: 0x8)
    static let noFragments = Flags(rawValue: 0x10)
    static let alwaysFragments = Flags(rawValue: 0x20)
    static let duplicates = Flags(rawValue: 0x40)
    static let exportable = Flags(rawValue: 0x80)
    static let uncompressedAttributes = Flags(rawValue: 0x100)
    static let noAttributes = Flags(rawValue: 0x200)
    static let compressorOptions = Flags(rawValue: 0x400)
    static let uncompressedIDs = Flags(rawValue: 0x800)
  }

  /// Which codec the filesystem uses, for all that is compressed in it.
  enum Compression: UInt16, Sendable {
    case gzip = 1
    case lzma = 2
    case lzo = 3
    case xz = 4
    case lz4 = 5
    case zstd = 6
  }
}

extension SquashFS.Superblock {
  private enum Found {
    case nothing
    case unsupported(String)
    case superblock(SquashFS.Superblock)
  }

  /// - Throws: `.notRecognized` for another magic; `.unsupported` for a version or codec that is not read; `.unreadable`
  ///   for what Linux refuses, too.
  init(on device: any BlockDevice) throws(OpenError) {
    let found: Found
    do throws(ReadError) { found = try Self.find(on: device) } catch { throw .unreadable(error) }
    switch found {
    case .nothing: throw .notRecognized
    case .unsupported(let feature): throw .unsupported(features: [feature])
    case .superblock(let superblock): self = superblock
    }
  }

  private static func find(on device: any BlockDevice) throws(ReadError) -> Found {
    guard device.size >= UInt64(SquashFS.superblockSize) else { return .nothing }
    let bytes = try device.bytes(SquashFS.superblockSize, at: 0)
    let span = bytes.rawSpan
    let isBigEndian = try span.be32(0) == SquashFS.magic
    let magic = try span.le32(0)
    guard isBigEndian || magic == SquashFS.magic else { return .nothing }
    let major = isBigEndian ? try span.be16(28) : try span.le16(28)
    let minor = isBigEndian ? try span.be16(30) : try span.le16(30)
    guard !isBigEndian, major == 4, minor == 0 else {
      return .unsupported("version \(major).\(minor) of SquashFS (only 4.0 is read)")
    }
    let number = try span.le16(20)
    guard let compression = SquashFS.Compression(rawValue: number) else {
      return .unsupported("SquashFS compression \(number)")
    }
    if let library = compression.codec.missingLibrary {
      return .unsupported("\(compression) compression without \(library), which is not installed")
    }
    return .superblock(try SquashFS.Superblock(parsing: span, compression: compression))
  }

  private init(parsing span: RawSpan, compression: SquashFS.Compression) throws(ReadError) {
    let subject: StaticString = "superblock"
    self.compression = compression
    inodeCount = try span.le32(4)
    created = try span.le32(8)
    let blockSize = try span.le32(12)
    let blockShift = try span.le16(22)
    guard (12...20).contains(blockShift), blockSize == 1 << UInt32(blockShift) else { throw .corrupt(subject, at: 12) }
    self.blockSize = Int(blockSize)
    self.blockShift = UInt64(blockShift)
    flags = SquashFS.Flags(rawValue: try span.le16(24))
    idCount = Int(try span.le16(26))
    let root = try span.le64(32)
    guard root < NodeID.limit else { throw .corrupt(subject, at: 32) }
    self.root = NodeID(root)
    size = try span.le64(40)
    guard size > UInt64(SquashFS.superblockSize) else { throw .corrupt(subject, at: 40) }
    fragmentCount = try span.le32(16)

    func table(_ offset: Int) throws(ReadError) -> UInt64? {
      let start = try span.le64(offset)
      return start == .max ? nil : start
    }
    guard let idTable = try table(48), idCount > 0 else { throw .corrupt(subject, at: 48) }
    self.idTable = idTable
    attributeTable = try table(56)
    inodeTable = try span.le64(64)
    directoryTable = try span.le64(72)
    let fragmentTable = try table(80)
    self.fragmentTable = fragmentCount == 0 ? nil : fragmentTable
    exportTable = try table(88)
    guard fragmentCount == 0 || fragmentTable != nil else { throw .corrupt(subject, at: 80) }

    // The tables come one behind the other, in this order, as Linux insists.
    var end = size
    for (start, offset) in [
      (attributeTable, 56), (idTable, 48), (exportTable, 88), (self.fragmentTable, 80), (directoryTable, 72),
      (inodeTable, 64),
    ] {
      guard let start else { continue }
      guard start <= end else { throw .corrupt(subject, at: UInt64(offset)) }
      end = start
    }
    guard inodeTable < directoryTable else { throw .corrupt(subject, at: 64) }
  }

  /// Where blocks of inodes lie.
  var inodeRegion: Range<UInt64> { inodeTable..<directoryTable }
  /// Where blocks of directories lie, and what follows up to the first table's index.
  var directoryRegion: Range<UInt64> { directoryTable..<(fragmentTable ?? exportTable ?? idTable) }
}
