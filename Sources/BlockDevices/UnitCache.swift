public import Bytes
internal import Synchronization

/// Decoded units of encoded extents, shared by all layers of a stack: least recently used go first.
///
/// Two readers who want one unit at the same time decode it once: the second waits for the first. Nothing is decoded
/// under the lock of a shard, so other units are to be had meanwhile. The shards have one budget together: what fits the
/// cache stays in it, however unevenly it is spread. Units that will be wanted soon are decoded ahead by threads of its
/// own.
public final class UnitCache: Sendable {
  /// Bytes that are kept at most; units being decoded are on top of that.
  public let budget: Int

  fileprivate struct Key: Hashable {
    let decoder: ObjectIdentifier
    let unit: EncodedUnit
  }

  /// A unit: whoever comes first into its lock decodes it.
  fileprivate final class Entry: Sendable {
    let bytes = Mutex<DecodedBytes?>(nil)
  }

  fileprivate struct Shard {
    var entries: [Key: (entry: Entry, lastUse: UInt64)] = [:]
    /// Bytes of its own units.
    var filled = 0
    var clock: UInt64 = 0
  }

  private final class LockedShard: Sendable {
    let state = Mutex(Shard())
  }

  private let shards: [LockedShard]
  /// Bytes of a unit that is kept at most.
  private let largestKept: Int
  /// Bytes of the units in all shards.
  private let filled = Atomic<Int>(0)
  private let workers: WorkerPool

  public static let defaultBudget = 64 << 20
  /// So that the largest unit of any format fits many times.
  private static let smallestShard = 16 << 20

  /// - Parameters:
  ///   - budget: bytes; 0 keeps nothing.
  ///   - threads: that decode ahead, when first needed; 0 for none, nil for as many as there are cores.
  public init(budget: Int = UnitCache.defaultBudget, threads: Int? = nil) {
    self.budget = max(0, budget)
    let count = min(max(self.budget / Self.smallestShard, 1), 8)
    shards = (0..<count).map { _ in LockedShard() }
    largestKept = self.budget / count / 2
    workers = WorkerPool(threads: budget > 0 ? threads ?? HostEnvironment.coreCount : 0)
  }

  /// Whether a unit is small enough to be kept.
  func keeps(_ unit: EncodedUnit) -> Bool { unit.footprint <= largestKept }

  /// The bytes that `unit` of `decoder` decodes to, at most `unit.size`.
  /// - Throws: what decoding throws; nothing is kept then.
  public func bytes(of unit: EncodedUnit, from decoder: any UnitDecoder) throws(ReadError) -> DecodedBytes {
    guard keeps(unit) else { return try DecodableUnit(unit, of: decoder, in: nil).decodedAnew() }
    let key = Key(decoder: ObjectIdentifier(decoder), unit: unit)
    let index = shardIndex(of: key)
    let shard = shards[index]
    let (entry, isNew) = shard.state.withLock { $0.entryOrNew(for: key) }
    if isNew { makeRoom(for: unit.footprint, in: index) }
    let result: Result<DecodedBytes, ReadError> = entry.bytes.withLock { kept in
      if let kept { return .success(kept) }
      do throws(ReadError) {
        let bytes = try DecodableUnit(unit, of: decoder, in: nil).decodedAnew()
        kept = bytes
        return .success(bytes)
      } catch {
        return .failure(error)
      }
    }
    if case .failure = result { account(shard.state.withLock { $0.remove(key, entry) }) }
    return try result.get()
  }

  /// Counts a unit that has been added to a shard, and drops the oldest ones of that shard for it, and of the others
  /// where these are not enough.
  private func makeRoom(for size: Int, in index: Int) {
    account(size)
    for number in 0..<shards.count {
      let excess = filled.load(ordering: .relaxed) - budget
      guard excess > 0 else { return }
      let shard = shards[(index + number) % shards.count]
      account(-shard.state.withLock { $0.dropOldest(atLeast: excess) })
    }
  }

  private func account(_ bytes: Int) { filled.wrappingAdd(bytes, ordering: .relaxed) }

  /// Whether the unit is there already, or being decoded.
  func holds(_ unit: EncodedUnit, of decoder: any UnitDecoder) -> Bool {
    let key = Key(decoder: ObjectIdentifier(decoder), unit: unit)
    return shards[shardIndex(of: key)].state.withLock { $0.entries[key] != nil }
  }

  private func shardIndex(of key: Key) -> Int {
    let mixed = (key.unit.id ^ UInt64(UInt(bitPattern: key.decoder.hashValue))) &* 0x9E37_79B9_7F4A_7C15
    return Int(mixed.multipliedFullWidth(by: UInt64(shards.count)).high)
  }
}

/// Decoding ahead.
extension UnitCache {
  /// Bytes that may be decoded ahead of one reader: an eighth of the budget leaves room for several.
  public var aheadLimit: UInt64 { workers.isIdle ? 0 : UInt64(budget / 8) }

  /// Has a unit decoded, soon and by another thread; nothing where it is there or on its way. What is wrong with it is
  /// for whoever reads it to meet.
  public func decodeAhead(_ wanted: DecodableUnit) {
    guard wanted.isCached, !holds(wanted.unit, of: wanted.decoder) else { return }
    workers.add { [self] in _ = try? bytes(of: wanted.unit, from: wanted.decoder) }
  }

  /// Has something done by one of the threads that decode; false where they have too much to do already.
  @discardableResult
  public func later(_ work: @escaping @Sendable () -> Void) -> Bool { workers.add(work) }
}

extension EncodedUnit {
  /// Bytes of memory that it takes once it is decoded.
  fileprivate var footprint: Int { DecodedBytes.footprint(of: size) }
}

extension UnitCache.Shard {
  fileprivate mutating func entry(for key: UnitCache.Key) -> UnitCache.Entry? {
    guard let found = entries[key] else { return nil }
    clock += 1
    entries[key]?.lastUse = clock
    return found.entry
  }

  /// The entry of `key`, and whether it was made now.
  fileprivate mutating func entryOrNew(for key: UnitCache.Key) -> (entry: UnitCache.Entry, isNew: Bool) {
    if let found = entry(for: key) { return (found, false) }
    let entry = UnitCache.Entry()
    clock += 1
    entries[key] = (entry, clock)
    filled += key.unit.footprint
    return (entry, true)
  }

  /// Drops the oldest units, but never the newest one: so many bytes, and an eighth of what there is, since looking for
  /// them goes through all.
  /// - Returns: bytes that were dropped.
  fileprivate mutating func dropOldest(atLeast size: Int) -> Int {
    let goal = max(size, filled / 8)
    var dropped = 0
    for (key, kept) in entries.sorted(by: { $0.value.lastUse < $1.value.lastUse }) {
      guard dropped < goal, kept.lastUse < clock else { break }
      dropped += key.unit.footprint
      entries.removeValue(forKey: key)
    }
    filled -= dropped
    return dropped
  }

  /// - Returns: bytes less than before, as a negative number, or 0.
  fileprivate mutating func remove(_ key: UnitCache.Key, _ entry: UnitCache.Entry) -> Int {
    guard entries[key]?.entry === entry else { return 0 }
    entries.removeValue(forKey: key)
    filled -= key.unit.footprint
    return -key.unit.footprint
  }
}
