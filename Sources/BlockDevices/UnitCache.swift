public import Bytes
internal import Synchronization

/// Decoded units of encoded extents, shared by all devices of a stack: least recently used go first.
///
/// Two readers who want one unit at the same time decode it once: the second waits for the first. Nothing is decoded
/// under the lock of a shard, so other units are to be had meanwhile.
public final class UnitCache: Sendable {
  /// Bytes that are kept at most; units being decoded are on top of that.
  public let budget: Int

  fileprivate struct Key: Hashable {
    let device: ObjectIdentifier
    let unit: UInt64
  }

  /// A unit: whoever comes first into its lock decodes it.
  fileprivate final class Entry: Sendable {
    let size: Int
    let bytes = Mutex<[UInt8]?>(nil)

    init(size: Int) { self.size = size }
  }

  fileprivate struct Shard {
    var entries: [Key: (entry: Entry, lastUse: UInt64)] = [:]
    var filled = 0
    var clock: UInt64 = 0
  }

  private final class LockedShard: Sendable {
    let state = Mutex(Shard())
  }

  private let shards: [LockedShard]
  private let shardBudget: Int

  public static let defaultBudget = 64 << 20

  public init(budget: Int = UnitCache.defaultBudget) {
    self.budget = max(0, budget)
    shards = (0..<8).map { _ in LockedShard() }
    shardBudget = max(0, budget) / 8
  }

  /// The `size` bytes that `unit` of `device` decodes to.
  ///
  /// - Parameters:
  ///   - device: whose unit it is; it must outlive its entries, as the devices of a stack do.
  ///   - decode: appends the bytes. What it throws is thrown, and nothing is kept.
  public func bytes(
    of unit: UInt64, size: Int, from device: any BlockDevice,
    decode: (inout OutputRawSpan) throws(ReadError) -> Void
  ) throws(ReadError) -> [UInt8] {
    let key = Key(device: ObjectIdentifier(device), unit: unit)
    guard size <= shardBudget else { return try .filled(size, decode) }
    let shard = shards[Self.shard(of: key, among: shards.count)]
    let entry = shard.state.withLock { $0.entry(for: key, size: size, budget: shardBudget) }
    let result: Result<[UInt8], ReadError> = entry.bytes.withLock { kept in
      if let kept { return .success(kept) }
      do throws(ReadError) {
        let bytes: [UInt8] = try .filled(size, decode)
        kept = bytes
        return .success(bytes)
      } catch {
        return .failure(error)
      }
    }
    if case .failure = result { shard.state.withLock { $0.remove(key, entry) } }
    return try result.get()
  }

  /// The unit where it is there already, decoded.
  public func bytes(of unit: UInt64, from device: any BlockDevice) -> [UInt8]? {
    let key = Key(device: ObjectIdentifier(device), unit: unit)
    let shard = shards[Self.shard(of: key, among: shards.count)]
    return shard.state.withLock { $0.entry(for: key) }?.bytes.withLock { $0 }
  }

  private static func shard(of key: Key, among count: Int) -> Int {
    let mixed = (key.unit ^ UInt64(UInt(bitPattern: key.device.hashValue))) &* 0x9E37_79B9_7F4A_7C15
    return Int(mixed.multipliedFullWidth(by: UInt64(count)).high)
  }
}

extension UnitCache.Shard {
  fileprivate mutating func entry(for key: UnitCache.Key) -> UnitCache.Entry? {
    guard let found = entries[key] else { return nil }
    clock += 1
    entries[key]?.lastUse = clock
    return found.entry
  }

  /// The entry of `key`, made where there is none; the oldest make room for it.
  fileprivate mutating func entry(for key: UnitCache.Key, size: Int, budget: Int) -> UnitCache.Entry {
    if let found = entry(for: key), found.size == size { return found }
    if let stale = entries.removeValue(forKey: key) { filled -= stale.entry.size }
    if filled + size > budget { makeRoom(for: size, budget: budget) }
    let entry = UnitCache.Entry(size: size)
    clock += 1
    entries[key] = (entry, clock)
    filled += size
    return entry
  }

  /// Drops the oldest units, more of them than needed: looking for them goes through all.
  private mutating func makeRoom(for size: Int, budget: Int) {
    let goal = max(0, min(budget - size, budget / 4 * 3))
    for (key, value) in entries.sorted(by: { $0.value.lastUse < $1.value.lastUse }) where filled > goal {
      filled -= value.entry.size
      entries.removeValue(forKey: key)
    }
  }

  fileprivate mutating func remove(_ key: UnitCache.Key, _ entry: UnitCache.Entry) {
    guard entries[key]?.entry === entry else { return }
    entries.removeValue(forKey: key)
    filled -= entry.size
  }
}
