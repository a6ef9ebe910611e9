import BlockDevices
import Bytes
import Synchronization
import Testing

@Suite struct BlockCacheTests {
  let device = MemoryDevice((0..<(1 << 20)).map { UInt8(truncatingIfNeeded: $0 >> 9 ^ $0) })

  @Test func aBlockIsReadOnceAndVerifiedOnce() throws {
    let cache = BlockCache(of: device, blockSize: 4096, budget: 1 << 20)
    var verified = 0
    for _ in 0..<5 {
      let block = try cache.block(4096, at: 8192, verify: { (_) throws(ReadError) in verified += 1 })
      #expect(block == Array(device.contents[8192..<12288]))
    }
    #expect(verified == 1)
    #expect(device.reads.load(ordering: .relaxed) == 1)
  }

  /// A hostile image can use one block as two things: each use is verified.
  @Test func anotherTagIsVerifiedAnew() throws {
    let cache = BlockCache(of: device, blockSize: 4096, budget: 1 << 20)
    _ = try cache.block(4096, at: 0, tag: 1)
    #expect(throws: ReadError.self) {
      try cache.block(4096, at: 0, tag: 2, verify: { (_) throws(ReadError) in throw .checksum("block") })
    }
    // What failed is not kept.
    #expect(throws: ReadError.self) {
      try cache.block(4096, at: 0, tag: 2, verify: { (_) throws(ReadError) in throw .checksum("block") })
    }
  }

  @Test func theBudgetHolds() throws {
    let cache = BlockCache(of: device, blockSize: 4096, budget: 64 << 10)
    for round in 0..<2 {
      for index in 0..<(UInt64(device.contents.count) / 4096) {
        let block = try cache.block(4096, at: index * 4096)
        #expect(block[0] == device.contents[Int(index) * 4096], "round \(round)")
      }
    }
    // With 16 places for 256 blocks read in order, hardly any can be there the second time.
    #expect(device.reads.load(ordering: .relaxed) > 400)
  }
}
