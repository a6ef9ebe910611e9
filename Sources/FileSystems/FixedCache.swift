internal import Synchronization

/// Keeps values by number, in a fixed number of places: the least recently used of a few gives way.
final class FixedCache<Value: Sendable>: Sendable {
  private static var ways: Int { 4 }
  private let sets: [Shard]

  private final class Shard: Sendable {
    /// The most recently used first.
    let places = Mutex<[(key: UInt64, value: Value)]>([])
  }

  /// - Parameter places: how many values are kept at most, about.
  init(places: Int) {
    sets = (0..<max(1, places / Self.ways)).map { _ in Shard() }
  }

  subscript(key: UInt64) -> Value? {
    sets[index(of: key)].places.withLock { places in
      guard let index = places.firstIndex(where: { $0.key == key }) else { return nil }
      if index > 0 { places.swapAt(0, index) }
      return places[0].value
    }
  }

  /// Keeps `value`, in the place of what has the same key.
  func insert(_ value: Value, for key: UInt64) {
    sets[index(of: key)].places.withLock { places in
      if let index = places.firstIndex(where: { $0.key == key }) {
        places[index].value = value
      } else if places.count < Self.ways {
        places.insert((key, value), at: 0)
      } else {
        places[Self.ways - 1] = (key, value)
        places.swapAt(0, Self.ways - 1)
      }
    }
  }

  /// Spreads neighbouring numbers over the sets (Fibonacci hashing).
  private func index(of key: UInt64) -> Int {
    let mixed = key &* 0x9E37_79B9_7F4A_7C15
    return Int(mixed.multipliedFullWidth(by: UInt64(sets.count)).high)
  }
}
