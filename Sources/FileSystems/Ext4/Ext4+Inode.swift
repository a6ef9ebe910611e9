internal import Bytes

/// Inodes: Documentation/filesystems/ext4/inodes.rst.
extension Ext4 {
  struct InodeFlags: OptionSet, Sendable {
    let rawValue: UInt32
    static let encrypted = InodeFlags(rawValue: 0x800)
    static let index = InodeFlags(rawValue: 0x1000)
    static let hugeFile = InodeFlags(rawValue: 0x4_0000)
    static let extents = InodeFlags(rawValue: 0x8_0000)
    static let attributeValue = InodeFlags(rawValue: 0x20_0000)
    static let inlineData = InodeFlags(rawValue: 0x1000_0000)
    static let caseFolding = InodeFlags(rawValue: 0x4000_0000)
  }

  /// How `i_block` is to be understood.
  enum Storage: Sendable {
    /// Twelve block numbers, and those of three trees of more.
    case pointers
    case extents
    /// The contents themselves, going on in the attribute "system.data".
    case inline
    /// A symbolic link's target.
    case target
    /// A device number, or nothing.
    case special
  }

  /// An inode that has been verified and, but for rarely used fields, parsed.
  struct Inode: Sendable {
    let number: UInt32
    /// All of the structure, with the attributes behind its fields.
    let bytes: [UInt8]
    let type: NodeType
    let permissions: UInt16
    let flags: InodeFlags
    /// Bytes.
    let size: UInt64
    let storage: Storage
    /// Bytes behind the first 128 that are fields: `i_extra_isize`.
    let extraSize: Int
    /// The block of extended attributes; 0 for none.
    let attributeBlock: UInt64
    /// What starts the checksum of everything that belongs to this inode.
    let checksumSeed: UInt32

    /// Offset and length of `i_block`.
    static let blockAreaOffset = 0x28
    static let blockAreaSize = 60
    /// Length of the fields that there always are.
    static let oldSize = 128

    init(number: UInt32, bytes: [UInt8], in superblock: Superblock) throws(ReadError) {
      let span = bytes.rawSpan
      let subject: StaticString = "inode"
      let corrupt = ReadError.corrupt(subject, at: UInt64(number))
      self.number = number
      self.bytes = bytes

      let hasExtraSize = span.byteCount > Self.oldSize
      let storedExtraSize = hasExtraSize ? Int(try span.le16(0x80, of: subject)) : 0
      guard Self.oldSize + storedExtraSize <= span.byteCount, storedExtraSize & 3 == 0 else { throw corrupt }
      checksumSeed = try Self.checksumSeed(of: span, number: number, in: superblock)
      try Self.verifyChecksum(of: span, number: number, extraSize: storedExtraSize, seed: checksumSeed, in: superblock)
      extraSize = storedExtraSize

      let mode = try span.le16(0x00, of: subject)
      let links = try span.le16(0x1A, of: subject)
      guard links > 0, let type = NodeType(rawValue: mode & 0xF000) else { throw corrupt }
      self.type = type
      permissions = mode & 0x0FFF
      flags = InodeFlags(rawValue: try span.le32(0x20, of: subject))
      let hasLargeSize = type == .regular || superblock.incompatible.contains(.largeDirectories)
      size =
        UInt64(try span.le32(0x04, of: subject)) | (hasLargeSize ? UInt64(try span.le32(0x6C, of: subject)) << 32 : 0)
      let attributesHigh = superblock.isHurd ? 0 : UInt64(try span.le16(0x76, of: subject))
      attributeBlock = UInt64(try span.le32(0x68, of: subject)) | attributesHigh << 32
      guard attributeBlock == 0 || superblock.canBeFileData(attributeBlock, count: 1) else { throw corrupt }

      guard !flags.contains(.caseFolding) || superblock.incompatible.contains(.caseFolding) else { throw corrupt }
      guard
        !flags.contains(.index) || type != .directory || superblock.compatible.contains(.directoryIndex)
          || !superblock.hasMetadataChecksums
      else { throw corrupt }

      switch type {
      case .regular, .directory, .symbolicLink:
        if flags.contains(.inlineData) {
          guard superblock.incompatible.contains(.inlineData) else { throw corrupt }
          storage = .inline
        } else if type == .symbolicLink,
          try Self.isFastLink(span, flags: flags, size: size, hasAttributes: attributeBlock != 0, in: superblock)
        {
          storage = .target
        } else {
          storage = flags.contains(.extents) ? .extents : .pointers
        }
      default:
        storage = .special
      }
      guard size <= superblock.maximumFileSize(hasExtents: storage != .pointers) else { throw corrupt }
    }

    /// A link is fast when it has no blocks of its own; one that holds an attribute's value tells by its size.
    private static func isFastLink(
      _ span: RawSpan, flags: InodeFlags, size: UInt64, hasAttributes: Bool, in superblock: Superblock
    ) throws(ReadError) -> Bool {
      if flags.contains(.attributeValue) { return size > 0 && size < UInt64(blockAreaSize) }
      let attributeSectors = hasAttributes ? superblock.clusterSize >> 9 : 0
      return try sectors(of: span, flags: flags, in: superblock) == attributeSectors
    }

    /// `i_blocks` in units of 512 bytes.
    static func sectors(of span: RawSpan, flags: InodeFlags, in superblock: Superblock) throws(ReadError) -> UInt64 {
      let low = UInt64(try span.le32(0x1C, of: "inode"))
      guard superblock.readOnly.contains(.hugeFiles) else { return low }
      let count = low | UInt64(try span.le16(0x74, of: "inode")) << 32
      return flags.contains(.hugeFile) ? count << (superblock.blockShift - 9) : count
    }

    private static func checksumSeed(
      of span: RawSpan, number: UInt32, in superblock: Superblock
    ) throws(ReadError) -> UInt32 {
      var crc = CRC32C(seed: superblock.checksumSeed)
      crc.update(le: number)
      crc.update(le: try span.le32(0x64, of: "inode"))
      return crc.value
    }

    private static func verifyChecksum(
      of span: RawSpan, number: UInt32, extraSize: Int, seed: UInt32, in superblock: Superblock
    ) throws(ReadError) {
      guard superblock.hasMetadataChecksums, !superblock.isHurd else { return }
      var stored = UInt32(try span.le16(0x7C))
      var crc = CRC32C(seed: seed)
      crc.update(try span.slice(0, count: 0x7C))
      crc.update(zeros: 2)
      crc.update(try span.slice(0x7E, count: oldSize - 0x7E))
      var computed = crc.value & 0xFFFF
      if span.byteCount > oldSize {
        let highOffset = 0x82
        crc.update(try span.slice(oldSize, count: highOffset - oldSize))
        var rest = highOffset
        let hasHigh = extraSize >= 4
        if hasHigh {
          stored |= UInt32(try span.le16(highOffset)) << 16
          crc.update(zeros: 2)
          rest += 2
        }
        crc.update(try span.slice(rest, count: span.byteCount - rest))
        computed = hasHigh ? crc.value : crc.value & 0xFFFF
      }
      guard stored == computed else { throw .checksum("inode", at: UInt64(number)) }
    }
  }
}

extension Ext4.Superblock {
  /// Bytes: what 32-bit block numbers, or three levels of pointers, can address.
  func maximumFileSize(hasExtents: Bool) -> UInt64 {
    if hasExtents { return UInt64(UInt32.max) << blockShift }
    let pointers = UInt64(blockSize / 4)
    let blocks = 12 + pointers + pointers * pointers + pointers * pointers * pointers
    return min(blocks, UInt64(UInt32.max)) << blockShift
  }
}

extension Ext4.Inode {
  /// `i_block`: 60 bytes of which `storage` says what they are.
  var blockArea: RawSpan {
    @_lifetime(borrow self)
    get { bytes.rawSpan.extracting(Self.blockAreaOffset..<(Self.blockAreaOffset + Self.blockAreaSize)) }
  }
}

/// What stat(2) tells of an inode.
extension Ext4.Inode {
  func attributes(in superblock: Ext4.Superblock) throws(ReadError) -> Attributes {
    let span = bytes.rawSpan
    let subject: StaticString = "inode"
    var sectors = try Self.sectors(of: span, flags: flags, in: superblock)
    // As Linux has it, so that tar and rsync do not take a file within an inode for a hole.
    if type == .regular && storage == .inline { sectors = sectors &+ (size + 511) >> 9 }
    let isDevice = type == .characterDevice || type == .blockDevice
    return Attributes(
      type: type, permissions: permissions, linkCount: UInt32(try span.le16(0x1A, of: subject)),
      owner: UInt32(try span.le16(0x02, of: subject)) | UInt32(try span.le16(0x78, of: subject)) << 16,
      group: UInt32(try span.le16(0x18, of: subject)) | UInt32(try span.le16(0x7A, of: subject)) << 16,
      size: size, allocatedSize: sectors.multipliedReportingOverflow(by: 512).partialValue,
      accessed: try time(0x08, extra: 0x8C), modified: try time(0x10, extra: 0x88),
      changed: try time(0x0C, extra: 0x84),
      created: has(0x90, size: 4) ? try time(0x90, extra: 0x94) : nil,
      deviceNumber: isDevice ? try deviceNumber() : nil, generation: try span.le32(0x64, of: subject))
  }

  /// Whether a field behind the first 128 bytes exists. Where the inode has room for such fields but does not say how
  /// much, Linux takes those it knows as there.
  private func has(_ offset: Int, size: Int) -> Bool {
    guard bytes.count > Self.oldSize else { return false }
    return offset + size <= Self.oldSize + (extraSize == 0 ? 32 : extraSize)
  }

  /// A time, with what `extra` adds: two more bits of seconds, and nanoseconds.
  private func time(_ offset: Int, extra: Int) throws(ReadError) -> Timestamp {
    let span = bytes.rawSpan
    let seconds = Int64(Int32(bitPattern: try span.le32(offset, of: "inode")))
    guard has(extra, size: 4) else { return Timestamp(seconds: seconds) }
    let more = try span.le32(extra, of: "inode")
    return Timestamp(seconds: seconds + Int64(more & 3) << 32, nanoseconds: min(more >> 2, 999_999_999))
  }

  /// In `i_block[0]` as 8 and 8 bits, or else in `i_block[1]` as 12 and 20.
  private func deviceNumber() throws(ReadError) -> DeviceNumber {
    let span = bytes.rawSpan
    let old = try span.le32(Self.blockAreaOffset, of: "inode")
    if old != 0 { return DeviceNumber(major: old >> 8 & 0xFF, minor: old & 0xFF) }
    return DeviceNumber(packed: try span.le32(Self.blockAreaOffset + 4, of: "inode"))
  }
}
