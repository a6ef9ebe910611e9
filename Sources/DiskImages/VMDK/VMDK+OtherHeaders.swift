internal import BlockDevices
internal import Bytes

extension SparseLayout {
  /// The `COWDisk_Header` ("Virtual Disk Format 5.0", "ESX Server Sparse Extents"), little-endian, 2048 bytes:
  ///
  ///      0  u32  `COWD`                       20  u32  grain directory, sector
  ///      4  u32  version                      24  u32  entries of the grain directory
  ///      8  u32  flags                        28  u32  next free sector
  ///     12  u32  capacity, sectors            32       geometry, or the parent's name and generation
  ///     16  u32  grain size, sectors        1648  u32  not 0 while open for writing
  static func copyOnWrite(_ head: [UInt8]) throws(ImageError) -> SparseLayout {
    let fields: (version: UInt32, sectors: UInt32, grain: UInt32, directory: UInt32, count: UInt32, isOpen: UInt32) =
      try ImageError.wrapping { () throws(ReadError) in
        let span = head.rawSpan
        return (
          try span.le32(4, of: "COWD header"), try span.le32(12, of: "COWD header"),
          try span.le32(16, of: "COWD header"), try span.le32(20, of: "COWD header"),
          try span.le32(24, of: "COWD header"), try span.le32(1648, of: "COWD header")
        )
      }
    guard fields.version == 1 else {
      throw .unsupported("uses version \(fields.version) of the COWD header, and only 1 is known")
    }
    var layout = try SparseLayout(
      sectors: UInt64(fields.sectors), sectorsPerGrain: UInt64(fields.grain), entriesPerTable: 4096,
      entries: .sectors(hasZeroGrains: false), directory: UInt64(fields.directory))
    guard layout.directoryCount <= UInt64(fields.count) else {
      throw .damaged(
        "has a grain directory of \(fields.count) entries, and its size asks for \(layout.directoryCount)")
    }
    try layout.addMetadata(from: 0, count: 2048, of: 1)
    layout.isDirty = fields.isOpen != 0
    return layout
  }

  /// The constant header of a seSparse extent, 64-bit numbers throughout, little-endian, offsets and sizes in sectors:
  ///
  ///      0  0xCAFEBABE                        80  volatile header      144  grain tables
  ///      8  version, 2.1                      96  journal's header     160  bitmap of free grains
  ///     16  capacity                         112  journal              176  back map
  ///     24  grain size, 8                    128  grain directory      192  grains
  ///     32  grain table's size, 64           … each with its size behind it
  ///     40  flags, and four reserved words
  static func spaceEfficient(_ head: [UInt8], in device: any BlockDevice) throws(ImageError) -> SparseLayout {
    var words: [UInt64] = []
    for index in 0..<26 {
      words.append(
        try ImageError.wrapping { () throws(ReadError) in try head.rawSpan.le64(index * 8, of: "seSparse header") })
    }
    guard words[1] == 0x0000_0002_0000_0001 else {
      throw .unsupported("uses version \(words[1] >> 32).\(words[1] & 0xFFFF_FFFF) of seSparse, and only 2.1 is known")
    }
    guard words[5] == 0 else {
      throw .unsupported("uses the unknown feature 0x\(String(words[5], radix: 16)) of seSparse")
    }
    guard words[6...9].allSatisfy({ $0 == 0 }) else {
      throw .unsupported("uses what was reserved in the seSparse header that is known")
    }
    guard words[3] == 8, words[4] == 64 else {
      throw .unsupported(
        "has grains of \(words[3]) and grain tables of \(words[4]) sectors, and seSparse with 8 and 64 is all that is known"
      )
    }
    var layout = try SparseLayout(
      sectors: words[2], sectorsPerGrain: 8, entriesPerTable: 4096,
      entries: .numbers(
        tables: try bytes(ofSectors: words[18], "grain tables"), grains: try bytes(ofSectors: words[24], "grains")),
      directory: words[16])
    guard try bytes(ofSectors: words[17], "grain directory") / 8 >= layout.directoryCount else {
      throw .damaged("has a grain directory that is too small for its size")
    }
    try layout.addMetadata(from: 0, count: 512, of: 1)
    let volatileHeader = try bytes(ofSectors: words[10], "seSparse header")
    try layout.addMetadata(from: volatileHeader, count: 512, of: 1)
    try checkVolatileHeader(at: volatileHeader, in: device)
    return layout
  }

  /// What changes while the extent is written: 0xCAFECAFE, free tables, next transaction, and whether the journal holds
  /// what is not in its place yet.
  private static func checkVolatileHeader(at offset: UInt64, in device: any BlockDevice) throws(ImageError) {
    let (magic, replay): (UInt64, UInt64) = try ImageError.wrapping { () throws(ReadError) in
      let bytes = try device.bytes(512, at: offset)
      return (
        try bytes.rawSpan.le64(0, of: "seSparse volatile header"),
        try bytes.rawSpan.le64(24, of: "seSparse volatile header")
      )
    }
    guard magic == 0xCAFE_CAFE else { throw .damaged("has a damaged volatile header") }
    guard replay == 0 else {
      throw .unsupported("was not closed cleanly, and the journal of a seSparse extent is not replayed")
    }
  }
}
