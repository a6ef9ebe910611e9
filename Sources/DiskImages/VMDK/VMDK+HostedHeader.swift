internal import BlockDevices
internal import Bytes

extension SparseLayout {
  /// Flags of the header. Those of the upper half change how the extent is to be read.
  private struct Flags: OptionSet {
    let rawValue: UInt32
    static let newlineDetection = Flags(rawValue: 1 << 0)
    static let hasCopyOfDirectory = Flags(rawValue: 1 << 1)
    static let hasZeroGrains = Flags(rawValue: 1 << 2)
    static let isCompressed = Flags(rawValue: 1 << 16)
    static let hasMarkers = Flags(rawValue: 1 << 17)
    /// What must be known.
    static let incompatible = Flags(rawValue: 0xFFFF_0000)
  }

  /// The `SparseExtentHeader` ("Virtual Disk Format 5.0", "Hosted Sparse Extents"), little-endian and packed:
  ///
  ///      0  u32  `KDMV`                       48  u64  copy of the grain directory, sector
  ///      4  u32  version                      56  u64  grain directory, sector; or all ones: a footer has it
  ///      8  u32  flags                        64  u64  overhead, sectors
  ///     12  u64  capacity, sectors            72  u8   1 while open for writing
  ///     20  u64  grain size, sectors          73  u8   "\n", then " ", "\r", "\n": is no text
  ///     28  u64  descriptor, sector           77  u16  compression
  ///     36  u64  descriptor's size, sectors
  ///     44  u32  entries of a grain table
  private struct Header {
    let version: UInt32
    let flags: Flags
    let capacity: UInt64
    let sectorsPerGrain: UInt64
    let descriptor: UInt64
    let descriptorSize: UInt64
    let entriesPerTable: UInt32
    let copyOfDirectory: UInt64
    let directory: UInt64
    let isOpen: Bool
    let newlines: [UInt8]
    let compression: UInt16

    static let size = 512

    init(_ span: RawSpan) throws(ReadError) {
      guard try span.le32(0, of: "VMDK header") == 0x564D_444B else { throw .corrupt("VMDK header", at: 0) }
      version = try span.le32(4, of: "VMDK header")
      flags = Flags(rawValue: try span.le32(8, of: "VMDK header"))
      capacity = try span.le64(12, of: "VMDK header")
      sectorsPerGrain = try span.le64(20, of: "VMDK header")
      descriptor = try span.le64(28, of: "VMDK header")
      descriptorSize = try span.le64(36, of: "VMDK header")
      entriesPerTable = try span.le32(44, of: "VMDK header")
      copyOfDirectory = try span.le64(48, of: "VMDK header")
      directory = try span.le64(56, of: "VMDK header")
      isOpen = try span.u8(72, of: "VMDK header") != 0
      newlines = try span.bytes(73, count: 4, of: "VMDK header")
      compression = try span.le16(77, of: "VMDK header")
    }

    /// That the bytes are what they were when they were written, and all that they ask for is known.
    func validate() throws(ImageError) {
      guard (1...3).contains(version) else {
        throw .unsupported("uses version \(version) of the VMDK header, and only 1 to 3 are known")
      }
      if flags.contains(.newlineDetection), newlines != [0x0A, 0x20, 0x0D, 0x0A] {
        throw .damaged(
          "was damaged by a transfer that took it for text (FTP in ASCII mode?): its ends of lines are others")
      }
      let unknown = flags.intersection(.incompatible).subtracting([.isCompressed, .hasMarkers])
      guard unknown.isEmpty else {
        throw .unsupported("uses the unknown feature 0x\(String(unknown.rawValue, radix: 16)) of VMDK")
      }
      guard compression <= 1 else {
        throw .unsupported("is compressed by method \(compression), and only 1 (deflate) is known")
      }
      guard compression == 1 || !flags.contains(.isCompressed) else {
        throw .damaged("says that its grains are compressed, and by no method")
      }
    }
  }

  private static let directoryAtEnd = UInt64.max

  static func hosted(_ head: [UInt8], in device: any BlockDevice) throws(ImageError) -> SparseLayout {
    let first = try ImageError.wrapping { () throws(ReadError) in try Header(head.rawSpan) }
    try first.validate()
    let header = first.directory == directoryAtEnd ? try footer(in: device) : first
    guard header.capacity == first.capacity, header.sectorsPerGrain == first.sectorsPerGrain else {
      throw .damaged("has a footer that contradicts its header")
    }
    var layout = try directories(of: header, in: device)
    if header.compression == 1 {
      guard layout.grainSize <= compressedGrainSizeLimit else {
        throw .unsupported("has compressed grains of \(layout.grainSize) bytes, and only up to 16 MiB are read")
      }
      layout.compression = Compression(hasMarkers: header.flags.contains(.hasMarkers))
    }
    try layout.addMetadata(from: 0, count: UInt64(Header.size), of: 1)
    if first.descriptor != 0, first.descriptorSize != 0 {
      let start = try bytes(ofSectors: first.descriptor, "descriptor")
      try layout.addMetadata(from: start, count: first.descriptorSize, of: VMDK.sectorSize)
      layout.descriptor = layout.metadata.last
    }
    layout.isDirty = header.isOpen
    return layout
  }

  /// The layout with the directory and its copy: or with the copy alone, where the directory does not lie in the file.
  private static func directories(
    of header: Header, in device: any BlockDevice
  ) throws(ImageError) -> SparseLayout {
    let layout = { (directory: UInt64) throws(ImageError) in
      try SparseLayout(
        sectors: header.capacity, sectorsPerGrain: header.sectorsPerGrain,
        entriesPerTable: UInt64(header.entriesPerTable),
        entries: .sectors(hasZeroGrains: header.flags.contains(.hasZeroGrains)), directory: directory)
    }
    let sector = header.copyOfDirectory
    guard header.flags.contains(.hasCopyOfDirectory), sector != 0, sector != directoryAtEnd,
      sector != header.directory, let other = try? layout(sector), other.hasDirectory(in: device)
    else { return try layout(header.directory) }
    guard var first = try? layout(header.directory), first.hasDirectory(in: device) else {
      var other = other
      other.usesCopy = true
      return other
    }
    first.copyOfDirectory = other.directory
    first.metadata += other.metadata
    return first
  }

  private func hasDirectory(in device: any BlockDevice) -> Bool {
    device.contains(directoryCount * UInt64(entrySize), at: directory)
  }

  /// The header at the end of a file that was written as a stream ("Stream-Optimized Compressed Sparse Extents"): the
  /// last three sectors are the marker of the footer, the footer, and the marker of the end.
  private static func footer(in device: any BlockDevice) throws(ImageError) -> Header {
    let end = device.size / VMDK.sectorSize * VMDK.sectorSize
    guard end >= 4 * VMDK.sectorSize else { throw cutShort }
    let tail = try ImageError.wrapping { () throws(ReadError) in
      try device.bytes(3 * Int(VMDK.sectorSize), at: end - 3 * VMDK.sectorSize)
    }
    // Markers: number of sectors, u64; size, u32, 0 for what is no grain; type, u32: 3 footer, 0 end of the stream.
    let markers: (UInt32, UInt32, UInt64, UInt32, UInt32) = try ImageError.wrapping { () throws(ReadError) in
      let span = tail.rawSpan
      return (
        try span.le32(8), try span.le32(12), try span.le64(1024), try span.le32(1032), try span.le32(1036)
      )
    }
    guard markers == (0, 3, 0, 0, 0), tail[512...].starts(with: Array("KDMV".utf8)) else { throw cutShort }
    let header = try ImageError.wrapping { () throws(ReadError) in
      try Header(try tail.rawSpan.slice(512, count: Header.size))
    }
    try header.validate()
    guard header.directory != directoryAtEnd else {
      throw .damaged("has no grain directory: its footer says no more than its header")
    }
    return header
  }

  private static let cutShort = ImageError.damaged(
    "lacks the footer that it must end with: it was cut short, or something was added to it")
}
