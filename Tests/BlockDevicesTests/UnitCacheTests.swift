import BlockDevices
import Bytes
import Foundation
import Synchronization
import Testing

/// Decoded units are kept within the budget, and decoded once however many want them.
@Suite struct UnitCacheTests {
  private let device = MemoryDevice([])

  private func unit(_ number: UInt64, of cache: UnitCache, size: Int = 1000, _ decodes: borrowing Atomic<Int>) throws
    -> [UInt8]
  {
    try cache.bytes(of: number, size: size, from: device) { (out) throws(ReadError) in
      decodes.add(1, ordering: .relaxed)
      for _ in 0..<size { out.append(UInt8(truncatingIfNeeded: number)) }
    }
  }

  @Test func aUnitIsDecodedOnce() throws {
    let cache = UnitCache(budget: 1 << 20)
    let decodes = Atomic<Int>(0)
    for _ in 0..<3 {
      for number in 0..<50 as Range<UInt64> {
        #expect(try unit(number, of: cache, decodes) == [UInt8](repeating: UInt8(number), count: 1000))
      }
    }
    #expect(decodes.load(ordering: .relaxed) == 50)
    #expect(cache.bytes(of: 7, from: device)?.count == 1000)
    #expect(cache.bytes(of: 51, from: device) == nil)
    #expect(cache.bytes(of: 7, from: MemoryDevice([])) == nil, "another device's unit is another")
  }

  @Test func theBudgetHolds() throws {
    let cache = UnitCache(budget: 64_000)
    let decodes = Atomic<Int>(0)
    for number in 0..<1000 as Range<UInt64> { _ = try unit(number, of: cache, decodes) }
    let kept = (0..<1000 as Range<UInt64>).count { cache.bytes(of: $0, from: device) != nil }
    #expect((20...64).contains(kept), "\(kept)")
    #expect(cache.bytes(of: 999, from: device) != nil)
    // Larger than a shard: handed out, and not kept.
    #expect(try unit(2000, of: cache, size: 50_000, decodes).count == 50_000)
    #expect(cache.bytes(of: 2000, from: device) == nil)
  }

  @Test func errorsAreNotKept() throws {
    let cache = UnitCache()
    let decodes = Atomic<Int>(0)
    for _ in 0..<2 {
      #expect(throws: ReadError.self) {
        try cache.bytes(of: 1, size: 10, from: device) { (_) throws(ReadError) in
          decodes.add(1, ordering: .relaxed)
          throw .corrupt("unit", at: 1)
        }
      }
    }
    #expect(decodes.load(ordering: .relaxed) == 2)
    #expect(try unit(1, of: cache, size: 10, decodes).count == 10)
  }

  @Test func manyWhoWantOneUnitDecodeItOnce() throws {
    let cache = UnitCache()
    let decodes = Atomic<Int>(0)
    let wrong = Atomic<Int>(0)
    DispatchQueue.concurrentPerform(iterations: 16) { _ in
      for number in 0..<40 as Range<UInt64> {
        if (try? unit(number, of: cache, decodes))?.count != 1000 { wrong.add(1, ordering: .relaxed) }
      }
    }
    #expect(decodes.load(ordering: .relaxed) == 40)
    #expect(wrong.load(ordering: .relaxed) == 0)
  }
}
