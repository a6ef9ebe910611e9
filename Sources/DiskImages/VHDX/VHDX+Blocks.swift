internal import BlockDevices
internal import Bytes

extension VHDX {
  /// The arithmetic of the block allocation table (section 2.5): entries of payload blocks, and behind those of every
  /// chunk one of the block with the chunk's sector bitmap.
  struct BlockTableShape {
    /// Bytes.
    let blockSize: UInt64
    /// Payload blocks for each sector bitmap.
    let chunkRatio: UInt64
    /// Entries.
    let count: UInt64

    /// Sectors that a sector bitmap tells of.
    static let sectorsPerChunk: UInt64 = 1 << 23
    /// Bytes of a sector bitmap.
    static let bitmapSize: UInt64 = sectorsPerChunk / 8

    /// The sizes are those of `Metadata`, and thereby bounded.
    init(_ metadata: Metadata) {
      blockSize = metadata.blockSize
      chunkRatio = Self.sectorsPerChunk * metadata.sectorSize / blockSize
      let blocks = metadata.diskSize.roundedUp(toMultipleOf: blockSize) / blockSize
      let chunks = blocks.roundedUp(toMultipleOf: chunkRatio) / chunkRatio
      // In a disk without a parent, the table ends at the last payload block.
      count = metadata.hasParent ? chunks * (chunkRatio + 1) : blocks + (max(chunks, 1) - 1)
    }

    /// Index of the entry of a payload block.
    func entry(ofBlock block: UInt64) -> UInt64 { block + block / chunkRatio }

    /// Index of the entry of the sector bitmap that tells of a payload block.
    func bitmapEntry(ofBlock block: UInt64) -> UInt64 { block / chunkRatio * (chunkRatio + 1) + chunkRatio }
  }

  /// An entry of the table (section 2.5.1).
  struct BlockEntry {
    enum State: UInt64 {
      /// Nothing is stored: the parent's bytes, or zeros where there is no parent.
      case notPresent = 0
      /// Anything may come out; zeros do here.
      case undefined = 1
      case zero = 2
      /// What was there was discarded; zeros, here.
      case unmapped = 3
      /// `unmapped` as a draft of the format had it.
      case unmappedInDraft = 5
      case fullyPresent = 6
      /// Those sectors are stored whose bits are set in the sector bitmap; the others are the parent's.
      case partiallyPresent = 7
    }

    /// nil for the one that is reserved.
    let state: State?
    /// Byte offset in the file.
    let offset: UInt64

    init(_ raw: UInt64) {
      state = State(rawValue: raw & 7)
      offset = raw & ~(VHDX.alignment - 1)
    }
  }
}
