internal import BlockDevices
internal import Bytes

/// The superblock: `struct erofs_super_block`, 128 bytes at byte 1024 of the device, and 16 more for each extension slot.
extension EROFS {
  struct Superblock: Sendable {
    /// Where it lies in the device.
    static let offset: UInt64 = 1024
    /// Bytes without extension slots.
    static let byteCount = 128

    let compatible: CompatibleFeatures
    let incompatible: IncompatibleFeatures
    /// log2 of the bytes of a block: 9 … 16. Linux reads up to a page; larger ones are made for machines with larger
    /// pages.
    let blockShift: UInt64
    /// Bytes, with its extension slots: what follows are configurations of compression.
    let size: Int
    let rootNumber: UInt64
    /// Of the device itself, as it says, without further ones.
    let blockCount: UInt64
    /// The first block of metadata: inode numbers count from there.
    let metadataStart: UInt64
    /// The block that numbers of shared attributes count from.
    let sharedXattrStart: UInt64
    /// Seconds since 1970 that compact inodes' times count from.
    let epoch: Int64
    /// Nanoseconds of compact inodes' times.
    let nanoseconds: UInt32
    let furtherDeviceCount: Int
    /// Bytes from the start of the device.
    let deviceTableStart: UInt64
    let xattrPrefixCount: Int
    /// Bytes from the start of what holds them.
    let xattrPrefixStart: UInt64
    /// Whether inodes' name filters are of the kind that is known.
    let hasXattrFilter: Bool
    /// The file of fragments; nil where there is none.
    let packedNumber: UInt64?
    /// The file of compressed metadata; nil where there is none.
    let metadataBoxNumber: UInt64?
    let compression: Compression
    let facts: Facts

    /// What is only told, and does not matter for reading.
    struct Facts: Sendable {
      let uuid: [UInt8]
      let label: [UInt8]
      let inodeCount: UInt64
      /// Seconds since 1970.
      let built: Int64
    }

    var blockSize: Int { 1 << Int(blockShift) }

    /// Byte offset of a block.
    func offset(ofBlock block: UInt64) throws(ReadError) -> UInt64 {
      try block.multiplied(by: 1 << blockShift, of: "block number")
    }

    /// Byte offset in the device of an inode, or in the file of compressed metadata where bit 63 of `number` is set.
    func offset(ofInode number: UInt64) throws(ReadError) -> UInt64 {
      let slot = try (number & ~EROFS.metadataBoxBit).multiplied(by: Inode.slotSize, of: "inode number")
      if number & EROFS.metadataBoxBit != 0 { return slot }
      return try slot.adding(try offset(ofBlock: metadataStart), of: "inode number")
    }
  }
}

extension EROFS.Superblock {
  private static let magic: UInt32 = 0xE0F5_E1E2

  /// Reads, verifies and validates it: refuses what Linux refuses, except blocks larger than a page.
  init(readingFrom device: any BlockDevice) throws(OpenError) {
    let head: [UInt8]
    do throws(ReadError) {
      head = try device.bytes(Self.byteCount, at: Self.offset)
      guard try head.rawSpan.le32(0) == Self.magic else { throw .corrupt("superblock") }
    } catch {
      switch error.cause {
      case .truncated, .corrupt: throw .notRecognized
      default: throw .unreadable(error)
      }
    }
    do throws(ReadError) {
      let incompatible = EROFS.IncompatibleFeatures(rawValue: try head.rawSpan.le32(0x50))
      let blockShift = try head.rawSpan.u8(0x0C)
      guard (9...16).contains(blockShift) else { throw .corrupt("superblock", at: 0x0C) }
      if try head.rawSpan.le32(0x08) & EROFS.CompatibleFeatures.checksum.rawValue != 0 {
        try Self.verifyChecksum(on: device, blockSize: 1 << UInt64(blockShift))
      }
      let unknown = incompatible.subtracting(.readable)
      guard unknown.isEmpty else { throw ReadError(.unsupported, "feature") }
      let size = Self.byteCount + Int(try head.rawSpan.u8(0x0D)) * 16
      let whole = try device.bytes(size, at: Self.offset)
      let compression = try EROFS.Compression(
        readingFrom: device, superblock: whole.rawSpan, size: size, features: incompatible, blockShift: blockShift)
      try self.init(validating: whole.rawSpan, size: size, compression: compression)
    } catch {
      guard error.cause == .unsupported else { throw .unreadable(error) }
      let features = (try? head.rawSpan.le32(0x50)).map(EROFS.IncompatibleFeatures.init(rawValue:)) ?? []
      let unknown = EROFS.unknownNames(features)
      throw .unsupported(features: unknown.isEmpty ? ["\(error.subject)"] : unknown)
    }
  }

  /// A CRC-32C of all from the superblock to the end of its block, with the checksum itself as zeros.
  private static func verifyChecksum(on device: any BlockDevice, blockSize: UInt64) throws(ReadError) {
    let count = blockSize > offset ? blockSize - offset : blockSize
    let bytes = try device.bytes(Int(count), at: offset)
    var crc = CRC32C()
    crc.update(try bytes.rawSpan.slice(0, count: 4))
    crc.update(zeros: 4)
    crc.update(try bytes.rawSpan.slice(8, count: bytes.count - 8))
    guard try bytes.rawSpan.le32(4) == crc.value else { throw .checksum("superblock") }
  }

  private init(validating span: RawSpan, size: Int, compression: EROFS.Compression) throws(ReadError) {
    compatible = .init(rawValue: try span.le32(0x08))
    incompatible = .init(rawValue: try span.le32(0x50))
    blockShift = UInt64(try span.u8(0x0C))
    self.size = size
    self.compression = compression
    // Directories with blocks of their own size: the field is there, but no program has ever set it.
    guard try span.u8(0x5A) == 0 else { throw .unsupported("size of directory blocks") }

    let is48Bit = incompatible.contains(.fortyEightBit)
    let longRoot = is48Bit ? try span.le64(0x70) : 0
    let lowBlocks = UInt64(try span.le32(0x24))
    if longRoot != 0 {
      rootNumber = longRoot
      blockCount = lowBlocks | UInt64(try span.le16(0x0E)) << 32
    } else {
      rootNumber = UInt64(try span.le16(0x0E))
      blockCount = lowBlocks
    }
    metadataStart = UInt64(try span.le32(0x28))
    sharedXattrStart = UInt64(try span.le32(0x2C))
    epoch = Int64(bitPattern: try span.le64(0x18))
    nanoseconds = try span.le32(0x20)
    guard nanoseconds < 1_000_000_000 else { throw .corrupt("superblock", at: 0x20) }

    furtherDeviceCount = incompatible.contains(.deviceTable) ? Int(try span.le16(0x56)) : 0
    deviceTableStart = UInt64(try span.le16(0x58)) * EROFS.DeviceTable.slotSize
    // Linux goes by the count alone, but who sets it sets the flag.
    xattrPrefixCount = Int(try span.u8(0x5B))
    xattrPrefixStart = UInt64(try span.le32(0x5C)) << 2
    let filterVersion = try span.u8(0x68)
    hasXattrFilter = compatible.contains(.xattrFilter) && filterVersion == 0

    let packed = try span.le64(0x60)
    packedNumber = incompatible.contains(.fragments) && packed != 0 ? packed : nil
    if incompatible.contains(.metadataBox) {
      guard size > 0x80 else { throw .corrupt("superblock", at: 0x0D) }
      let number = try span.le64(0x80)
      // It cannot hold itself.
      guard number & EROFS.metadataBoxBit == 0 else { throw .corrupt("superblock", at: 0x80) }
      metadataBoxNumber = number
    } else {
      metadataBoxNumber = nil
    }

    facts = Facts(
      uuid: try span.bytes(0x30, count: 16),
      label: Array(try span.bytes(0x40, count: 16).prefix { $0 != 0 }),
      inodeCount: try span.le64(0x10),
      built: epoch &+ Int64(try span.le32(0x6C)))
  }
}
