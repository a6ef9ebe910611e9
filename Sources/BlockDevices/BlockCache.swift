public import Bytes
internal import Synchronization

/// Keeps metadata blocks of a device in memory, within a fixed budget.
///
/// Set-associative and sharded: a block has `ways` places it can be in, and the least recently used of them gives
/// way. Nothing is read or verified under a lock; two threads that miss the same block both read it.
public final class BlockCache: Sendable {
  private let device: any BlockDevice
  private let sets: [Shard]
  private static let ways = 8

  private final class Shard: Sendable {
    struct Slot {
      var offset: UInt64
      var tag: UInt64
      var lastUse: UInt64
      var bytes: [UInt8]
    }
    let slots = Mutex<(clock: UInt64, slots: [Slot])>((0, []))
  }

  /// - Parameters:
  ///   - blockSize: bytes of the usual block, from which the number of slots follows.
  ///   - budget: bytes that the blocks may take together.
  public init(of device: any BlockDevice, blockSize: Int, budget: Int) {
    self.device = device
    let count = max(1, budget / max(blockSize, 512) / Self.ways)
    sets = (0..<count).map { _ in Shard() }
  }

  /// The `count` bytes at `offset` of the device.
  ///
  /// - Parameters:
  ///   - tag: what the block is read as. Bytes that were verified as one thing are verified anew when they are read
  ///     as another: an image may well use one block twice.
  ///   - verify: checks a block that has just been read (its checksum, say). A block that fails is not kept.
  public func block(
    _ count: Int, at offset: UInt64, tag: UInt64 = 0,
    verify: (RawSpan) throws(ReadError) -> Void = { (_) throws(ReadError) in }
  ) throws(ReadError) -> [UInt8] {
    let shard = sets[Self.index(of: offset, in: sets.count)]
    let found: [UInt8]? = shard.slots.withLock { state in
      state.clock &+= 1
      for index in state.slots.indices
      where state.slots[index].offset == offset && state.slots[index].tag == tag
        && state.slots[index].bytes.count == count
      {
        state.slots[index].lastUse = state.clock
        return state.slots[index].bytes
      }
      return nil
    }
    if let found {
      IOStatistics.cacheHits.wrappingAdd(1, ordering: .relaxed)
      return found
    }
    IOStatistics.cacheMisses.wrappingAdd(1, ordering: .relaxed)

    let bytes = try device.bytes(count, at: offset)
    try verify(bytes.rawSpan)
    shard.slots.withLock { state in
      let slot = Shard.Slot(offset: offset, tag: tag, lastUse: state.clock, bytes: bytes)
      if state.slots.count < Self.ways {
        state.slots.append(slot)
      } else if let oldest = state.slots.indices.min(by: { state.slots[$0].lastUse < state.slots[$1].lastUse }) {
        state.slots[oldest] = slot
      }
    }
    return bytes
  }

  /// Spreads neighbouring blocks over the sets (Fibonacci hashing).
  private static func index(of offset: UInt64, in count: Int) -> Int {
    let mixed = (offset >> 9) &* 0x9E37_79B9_7F4A_7C15
    return Int(mixed.multipliedFullWidth(by: UInt64(count)).high)
  }
}
