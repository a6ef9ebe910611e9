internal import Bytes

/// Reading on in a stream of metadata blocks, from one block into the next.
extension SquashFS {
  struct MetadataCursor {
    private let blocks: MetadataBlocks
    private let region: Range<UInt64>
    private let subject: StaticString
    private var block: MetadataBlock
    private var position: UInt64
    private var offset: Int
    /// Bytes that were read or skipped.
    private(set) var passed: UInt64 = 0

    /// - Parameters:
    ///   - region: where all blocks of the stream lie.
    ///   - subject: what is read, for errors.
    init(
      of blocks: MetadataBlocks, at place: MetadataPlace, in region: Range<UInt64>, subject: StaticString
    ) throws(ReadError) {
      self.blocks = blocks
      self.region = region
      self.subject = subject
      position = place.block
      offset = place.offset
      block = try blocks.block(at: place.block, in: region, of: subject)
      guard offset <= block.decoded.count else { throw .corrupt(subject, at: position) }
    }

    /// Where the next byte is: in the block that it is in, though that may not be decoded yet.
    var place: MetadataPlace {
      offset == block.decoded.count
        ? MetadataPlace(block: block.end, offset: 0) : MetadataPlace(block: position, offset: offset)
    }

    /// Goes on to the next block where this one has been read.
    private mutating func advance() throws(ReadError) {
      guard offset == block.decoded.count else { return }
      let next = try blocks.block(at: block.end, in: region, of: subject)
      position = block.end
      block = next
      offset = 0
    }

    /// Gives `body` the next `count` bytes, which a limit bounds: where they lie in one block, as they are there.
    mutating func read<R>(
      _ count: Int, _ body: (RawSpan) throws(ReadError) -> R
    ) throws(ReadError) -> R {
      if count > 0 { try advance() }
      passed += UInt64(count)
      let start = offset
      let decoded = block.decoded
      if decoded.count - start >= count {
        offset = start + count
        return try body(try decoded.bytes.slice(start, count: count, of: subject))
      }
      var joined: [UInt8] = []
      joined.reserveCapacity(count)
      while joined.count < count {
        try advance()
        let decoded = block.decoded
        let part = min(count - joined.count, decoded.count - offset)
        joined += try decoded.bytes.bytes(offset, count: part, of: subject)
        offset += part
      }
      return try body(joined.rawSpan)
    }

    /// Whether nothing follows in the region.
    var isAtEnd: Bool { place.block >= region.upperBound }

    /// Passes over bytes, whose blocks are decoded all the same.
    mutating func skip(_ count: UInt64) throws(ReadError) {
      var left = count
      passed &+= count
      while left > 0 {
        try advance()
        let part = Int(min(left, UInt64(block.decoded.count - offset)))
        offset += part
        left -= UInt64(part)
      }
    }
  }
}
