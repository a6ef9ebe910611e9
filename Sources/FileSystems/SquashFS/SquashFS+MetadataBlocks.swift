internal import BlockDevices
internal import Bytes
internal import Codecs
internal import Synchronization

/// Metadata blocks: inodes, directories and tables are streams of bytes, cut into pieces of 8 KiB that are compressed one
/// by one and stored behind each other.
///
///     stored length:2 (the top bit: not compressed) | bytes
extension SquashFS {
  /// Bytes of a decoded block at most; all but the last of a stream have as many.
  static let metadataBlockSize = 8192

  final class MetadataBlock: Sendable {
    let decoded: DecodedBytes
    /// Byte position on the device behind the block: where the stream goes on.
    let end: UInt64

    init(_ decoded: DecodedBytes, end: UInt64) {
      self.decoded = decoded
      self.end = end
    }
  }

  /// A place in a stream of metadata blocks.
  struct MetadataPlace: Hashable, Sendable {
    /// Byte position of the block on the device.
    var block: UInt64
    /// Bytes into the decoded block.
    var offset: Int

    init(block: UInt64, offset: Int) {
      self.block = block
      self.offset = offset
    }

    /// What a 64-bit reference means: a block's position from `start` on, and 16 bits of offset.
    init(reference: UInt64, from start: UInt64, of subject: StaticString) throws(ReadError) {
      block = try start.adding(reference >> 16, of: subject)
      offset = Int(reference & 0xffff)
    }
  }

  /// Reads and decodes metadata blocks, and keeps them within a budget.
  final class MetadataBlocks: Sendable {
    let device: any BlockDevice
    /// Pages of the tables' indexes.
    let indexes: BlockCache
    private let codec: Codec
    private let kept: FixedCache<MetadataBlock>

    init(of device: any BlockDevice, codec: Codec, budget: Int) {
      self.device = device
      self.codec = codec
      indexes = BlockCache(of: device, blockSize: 4096, budget: budget / 16)
      kept = FixedCache(places: budget / 16 * 15 / (SquashFS.metadataBlockSize + 128))
    }

    /// The block at byte `position` of the device.
    /// - Parameter region: where it has to lie, with all of its bytes.
    func block(
      at position: UInt64, in region: Range<UInt64>, of subject: StaticString
    ) throws(ReadError) -> MetadataBlock {
      guard region.contains(position) else { throw .corrupt(subject, at: position) }
      if let block = kept[position], block.end <= region.upperBound {
        IOStatistics.cacheHits.wrappingAdd(1, ordering: .relaxed)
        return block
      }
      IOStatistics.cacheMisses.wrappingAdd(1, ordering: .relaxed)
      let block = try read(at: position, in: region, of: subject)
      kept.insert(block, for: position)
      return block
    }

    private func read(
      at position: UInt64, in region: Range<UInt64>, of subject: StaticString
    ) throws(ReadError) -> MetadataBlock {
      // The header and the longest block in one go: most of it is wanted, and the next block's bytes cost little.
      let left = min(region.upperBound, max(device.size, position)) - position
      guard left > 2 else { throw missing(subject, at: position, in: region) }
      var bytes: [UInt8]
      do throws(ReadError) {
        bytes = try device.bytes(Int(min(left, UInt64(2 + SquashFS.metadataBlockSize))), at: position)
      } catch {
        // What cannot be read may lie behind the block.
        bytes = try device.bytes(2, at: position)
      }
      let header = try bytes.rawSpan.le16(0, of: subject)
      let count = Int(header & 0x7fff)
      guard count > 0, count <= SquashFS.metadataBlockSize else { throw .corrupt(subject, at: position) }
      guard UInt64(2 + count) <= left else { throw missing(subject, at: position, in: region) }
      if bytes.count < 2 + count { bytes = try device.bytes(2 + count, at: position) }

      let stored = try bytes.rawSpan.slice(2, count: count, of: subject)
      let isCompressed = header & 0x8000 == 0
      let decoded = try DecodedBytes(capacity: isCompressed ? SquashFS.metadataBlockSize : count) {
        (out) throws(ReadError) in
        if isCompressed {
          try codec.decode(stored, upTo: SquashFS.metadataBlockSize, of: subject, into: &out)
        } else {
          out.append(contentsOf: stored)
        }
      }
      guard decoded.count > 0 else { throw .corrupt(subject, at: position) }
      return MetadataBlock(decoded, end: position + UInt64(2 + count))
    }

    /// Whether the region ends or the device does are two different things.
    private func missing(_ subject: StaticString, at position: UInt64, in region: Range<UInt64>) -> ReadError {
      device.size < region.upperBound ? .truncated(subject, at: position) : .corrupt(subject, at: position)
    }
  }
}
