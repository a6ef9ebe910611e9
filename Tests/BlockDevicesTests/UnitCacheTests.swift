@testable import BlockDevices
import Bytes
import Foundation
import Synchronization
import TestSupport
import Testing

/// Decoded units are kept within the budget, and decoded once however many want them.
@Suite struct UnitCacheTests {
  /// Decodes a unit to its number, as often as it has bytes, and counts.
  private final class Decoder: UnitDecoder {
    let decodes = Atomic<Int>(0)
    /// Units from this number on fail.
    let firstBad: UInt64

    init(firstBad: UInt64 = .max) { self.firstBad = firstBad }

    var count: Int { decodes.load(ordering: .relaxed) }

    func decode(_ unit: EncodedUnit, into out: inout OutputRawSpan) throws(ReadError) {
      decodes.add(1, ordering: .relaxed)
      guard unit.id < firstBad else { throw .corrupt("unit", at: unit.id) }
      for _ in 0..<unit.size { out.append(UInt8(truncatingIfNeeded: unit.id)) }
    }
  }

  private static func unit(_ number: UInt64, size: Int = 1000) -> EncodedUnit { EncodedUnit(number, size: size) }

  private let decoder = Decoder()

  @Test func aUnitIsDecodedOnce() throws {
    let cache = UnitCache(budget: 1 << 20)
    for _ in 0..<3 {
      for number in 0..<50 as Range<UInt64> {
        let decoded = try cache.bytes(of: Self.unit(number), from: decoder)
        #expect(decoded.count == 1000)
        #expect(try decoded.bytes.u8(999) == UInt8(number))
      }
    }
    #expect(decoder.count == 50)
    #expect(cache.holds(Self.unit(7), of: decoder))
    #expect(!cache.holds(Self.unit(51), of: decoder))
    #expect(!cache.holds(Self.unit(7), of: Decoder()), "another decoder's unit is another")
    #expect(!cache.holds(Self.unit(7, size: 999), of: decoder), "another size is another unit")
  }

  @Test func theBudgetHolds() throws {
    let cache = UnitCache(budget: 64_000)
    for number in 0..<1000 as Range<UInt64> { _ = try cache.bytes(of: Self.unit(number), from: decoder) }
    let kept = (0..<1000 as Range<UInt64>).count { cache.holds(Self.unit($0), of: decoder) }
    #expect((20...64).contains(kept), "\(kept)")
    #expect(cache.holds(Self.unit(999), of: decoder))
    // Too large: handed out, and not kept.
    #expect(try cache.bytes(of: Self.unit(2000, size: 50_000), from: decoder).count == 50_000)
    #expect(!cache.holds(Self.unit(2000, size: 50_000), of: decoder))
  }

  /// Decodes to nothing, and counts: for many units of a large size.
  private final class EmptyDecoder: UnitDecoder {
    let decodes = Atomic<Int>(0)

    func decode(_ unit: EncodedUnit, into out: inout OutputRawSpan) { decodes.add(1, ordering: .relaxed) }
  }

  /// However unevenly the shards are filled.
  @Test(arguments: [1, 16, 64, 200])
  func whatFitsIsDecodedOnce(mebibytes: Int) throws {
    let cache = UnitCache(budget: mebibytes << 20, threads: 0)
    let decoder = EmptyDecoder()
    let size = 128 << 10
    let count = UInt64((mebibytes << 20) / DecodedBytes.footprint(of: size))
    var generator = SeededGenerator(seed: 11)
    for _ in 0..<3 {
      for number in (0..<count).shuffled(using: &generator) {
        _ = try cache.bytes(of: Self.unit(number << 17, size: size), from: decoder)
      }
    }
    #expect(decoder.decodes.load(ordering: .relaxed) == count)
    // One more: some of the others have to go, and not all.
    _ = try cache.bytes(of: Self.unit(count << 17, size: size), from: decoder)
    let kept = (0...count).count { cache.holds(Self.unit($0 << 17, size: size), of: decoder) }
    #expect((Int(count) / 2...Int(count)).contains(kept), "\(kept) of \(count)")
  }

  @Test func nothingIsKeptWithoutABudget() throws {
    let cache = UnitCache(budget: 0)
    for _ in 0..<2 { #expect(try cache.bytes(of: Self.unit(3), from: decoder).count == 1000) }
    #expect(decoder.count == 2)
  }

  @Test func errorsAreNotKept() throws {
    let cache = UnitCache()
    let bad = Decoder(firstBad: 1)
    for _ in 0..<2 {
      #expect(throws: ReadError.self) { try cache.bytes(of: Self.unit(1), from: bad) }
    }
    #expect(bad.count == 2)
    #expect(try cache.bytes(of: Self.unit(0), from: bad).count == 1000)
  }

  @Test func manyWhoWantOneUnitDecodeItOnce() throws {
    let cache = UnitCache()
    let wrong = Atomic<Int>(0)
    DispatchQueue.concurrentPerform(iterations: 16) { _ in
      for number in 0..<40 as Range<UInt64> {
        if (try? cache.bytes(of: Self.unit(number), from: decoder))?.count != 1000 { wrong.add(1, ordering: .relaxed) }
      }
    }
    #expect(decoder.count == 40)
    #expect(wrong.load(ordering: .relaxed) == 0)
  }

  @Test func unitsAreDecodedAhead() throws {
    let cache = UnitCache(threads: 2)
    for number in 0..<40 as Range<UInt64> {
      cache.decodeAhead(DecodableUnit(Self.unit(number), of: decoder, in: cache))
    }
    // Each once: by a thread of the cache, or here where that one has not come to it yet.
    for number in 0..<40 as Range<UInt64> {
      #expect(try cache.bytes(of: Self.unit(number), from: decoder).count == 1000)
    }
    #expect(decoder.count == 40)
    // Another cache's are not this one's to decode.
    UnitCache(threads: 0).decodeAhead(DecodableUnit(Self.unit(50), of: decoder, in: nil))
    #expect(decoder.count == 40)
  }
}
