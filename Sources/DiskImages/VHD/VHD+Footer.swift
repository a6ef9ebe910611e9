internal import Bytes

extension VHD {
  /// The hard disk footer: the last 512 bytes of every image ("Hard Disk Footer Format" of the specification), of which
  /// dynamic and differencing images keep a copy at their start. All integers are big-endian.
  ///
  ///      0  cookie "conectix"      8  features            12  file format version
  ///     16  offset of the dynamic disk header, all ones for a fixed disk
  ///     24  time stamp            28  creator application  32  its version       36  creator host OS
  ///     40  original size         48  current size
  ///     56  geometry: cylinders (2 bytes), heads (1), sectors per track (1)
  ///     60  disk type             64  checksum             68  unique ID         84  saved state (1 byte)
  struct Footer: Equatable, Sendable {
    static let size = 512
    /// What images older than Virtual PC 2004 end in: the footer without its last byte, which is reserved.
    static let oldSize = 511

    enum DiskType: UInt32 { case fixed = 2, dynamic = 3, differencing = 4 }

    /// Bytes that it has in the file: `size` or `oldSize`.
    let storedSize: Int
    /// Whether the checksum is right.
    let isIntact: Bool
    let version: UInt32
    let headerOffset: UInt64
    /// Seconds since 2000.
    let timeStamp: UInt32
    let creator: [UInt8]
    let creatorVersion: UInt32
    /// Bytes of the disk, as most programs count them.
    let currentSize: UInt64
    let cylinders: UInt16
    let heads: UInt8
    let sectorsPerTrack: UInt8
    let rawType: UInt32
    let uniqueID: GUID
    let isInSavedState: Bool

    var type: DiskType? { DiskType(rawValue: rawType) }

    /// nil where no footer begins with `bytes`, of which there are `size` or `oldSize`.
    init?(_ bytes: [UInt8]) {
      guard bytes.count >= Self.oldSize, bytes.starts(with: Array("conectix".utf8)) else { return nil }
      storedSize = min(bytes.count, Self.size)
      let span = bytes.rawSpan
      do throws(ReadError) {
        isIntact = try span.be32(64) == VHD.checksum(of: span.slice(0, count: storedSize), at: 64)
        version = try span.be32(12)
        headerOffset = try span.be64(16)
        timeStamp = try span.be32(24)
        creator = try span.bytes(28, count: 4)
        creatorVersion = try span.be32(32)
        currentSize = try span.be64(48)
        cylinders = try span.be16(56)
        heads = try span.u8(58)
        sectorsPerTrack = try span.u8(59)
        rawType = try span.be32(60)
        uniqueID = try GUID(bigEndian: span, at: 68)
        isInSavedState = try span.u8(84) != 0
      } catch { return nil }
    }

    /// Whether the copy at the other end says the same.
    func agrees(with other: Footer) -> Bool {
      currentSize == other.currentSize && headerOffset == other.headerOffset && rawType == other.rawType
        && uniqueID == other.uniqueID && geometrySize == other.geometrySize
    }
  }

  /// One's complement of the sum of all bytes but the four at `field`, where it is kept itself.
  static func checksum(of span: RawSpan, at field: Int) -> UInt32 {
    var sum: UInt32 = 0
    for index in 0..<span.byteCount where index < field || index >= field + 4 { sum &+= UInt32(span[index]) }
    return ~sum
  }
}

extension VHD.Footer {
  /// Bytes by cylinders, heads and sectors.
  var geometrySize: UInt64 { UInt64(cylinders) * UInt64(heads) * UInt64(sectorsPerTrack) * 512 }

  /// The largest geometry that ATA has: of a disk that is larger it says nothing.
  private var isGeometryFull: Bool { cylinders == 65535 && heads == 16 && sectorsPerTrack == 255 }

  /// Bytes of the disk.
  ///
  /// Virtual PC and its imitators took the geometry for the disk's size, and all later programs the current size. As
  /// qemu has it, the creator tells which, but for a geometry that cannot tell the size. VirtualBox and Azure's agent,
  /// which qemu 7.2 does not know, write a geometry that is too small, and go by the current size too.
  var diskSize: UInt64 {
    let current = currentSize / 512 * 512
    if Self.creatorsOfCurrentSize.contains(creator) || isGeometryFull || geometrySize == 0 { return current }
    return min(geometrySize, current)
  }

  private static let creatorsOfCurrentSize: [[UInt8]] =
    ["win ", "qem2", "d2v ", "CTXS", "tap\0", "wa\0\0", "vbox"].map { Array($0.utf8) }

  private static let creatorNames: [(tag: String, name: String)] = [
    ("vpc ", "Virtual PC"), ("vs  ", "Virtual Server"), ("win ", "Windows"), ("d2v ", "Disk2vhd"), ("qemu", "QEMU"),
    ("qem2", "QEMU"), ("vbox", "VirtualBox"), ("tap\0", "XenServer"), ("CTXS", "XenConvert"), ("wa\0\0", "Azure"),
  ]

  /// The program that made the image, with its version; nil where it does not say.
  var creatorText: String? {
    let known = Self.creatorNames.first { Array($0.tag.utf8) == creator }?.name
    let name = known ?? Escaped.text(Array(creator.prefix { $0 != 0 })).trimmed
    guard !name.isEmpty else { return nil }
    return "\(name) \(creatorVersion >> 16).\(creatorVersion & 0xFFFF)"
  }

  /// 2000-01-01 00:00:00 UTC, from which time stamps count, in seconds since 1970.
  static let epoch: Int64 = 946_684_800

  /// Seconds since 1970.
  var created: Int64 { Int64(timeStamp) + Self.epoch }
}

extension String {
  /// Without spaces at the end.
  fileprivate var trimmed: String {
    var text = self[...]
    while text.last == " " { text = text.dropLast() }
    return String(text)
  }
}
