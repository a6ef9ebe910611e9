import BlockDevices
import Bytes
import TestSupport
import Testing

/// A device with a journal's writes done in memory.
@Suite struct ReplayedMapTests {
  private let device = MemoryDevice((0..<20_000).map { UInt8(truncatingIfNeeded: $0 &* 13 ^ $0 >> 7) })
  private let journal = MemoryDevice((0..<5_000).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ 1) })

  /// Writes drawn at random, done to an array, too.
  @Test(arguments: 0..<48 as Range<UInt64>)
  func readsAsIfWritten(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let size = 25_000
    var expected = device.contents + [UInt8](repeating: 0, count: size - device.contents.count)
    var writes = PendingWrites()
    let longest = [40, 900, 6_000][Int(seed % 3)]
    for _ in 0..<Int.random(in: 0..<120, using: &random) {
      let offset = Int.random(in: 0..<size, using: &random)
      let count = Int.random(in: 0...min(longest, size - offset), using: &random)
      switch Int.random(in: 0..<4, using: &random) {
      case 0:
        try writes.zero(UInt64(count), at: UInt64(offset))
        expected.replaceSubrange(offset..<(offset + count), with: repeatElement(0, count: count))
      case 1:
        let from = Int.random(in: 0...(device.contents.count - count), using: &random)
        try writes.copy(UInt64(count), at: UInt64(offset), from: UInt64(from))
        expected.replaceSubrange(offset..<(offset + count), with: device.contents[from..<(from + count)])
      case 2 where count <= journal.contents.count:
        let from = Int.random(in: 0...(journal.contents.count - count), using: &random)
        try writes.copy(UInt64(count), at: UInt64(offset), from: UInt64(from), of: 1)
        expected.replaceSubrange(offset..<(offset + count), with: journal.contents[from..<(from + count)])
      default:
        let bytes = (0..<min(count, 12)).map { _ in UInt8.random(in: 0...255, using: &random) }
        try writes.write(bytes, at: UInt64(offset))
        expected.replaceSubrange(offset..<(offset + bytes.count), with: bytes)
      }
    }
    let map = try ReplayedMap(of: device, with: writes, journals: [journal], size: UInt64(size))
    let replayed = ComposedDevice(map)
    #expect(try replayed.bytes(size, at: 0) == expected)
    for _ in 0..<40 {
      let start = UInt64.random(in: 0..<UInt64(size), using: &random)
      let end = UInt64.random(in: (start + 1)...UInt64(size), using: &random)
      let part = Array(expected[Int(start)..<Int(end)])
      #expect(try replayed.bytes(part.count, at: start) == part)
      #expect(try Self.mapped(start..<end, of: map, limit: Int.random(in: 1...7, using: &random)) == part)
    }
  }

  /// The bytes of `range` put together from what `map` tells, checking that it keeps its contract.
  private static func mapped(_ range: Range<UInt64>, of map: ReplayedMap, limit: Int) throws -> [UInt8] {
    var bytes: [UInt8] = []
    var position = range.lowerBound
    while position < range.upperBound {
      var list = ExtentList(limit: limit)
      try map.map(position..<range.upperBound, into: &list)
      try #require(list.length > 0 && list.length <= range.upperBound - position)
      #expect(list.extents.count <= limit)
      for extent in list.extents {
        let length = Int(extent.length)
        switch extent.kind {
        case .hole, .unwritten: bytes += [UInt8](repeating: 0, count: length)
        case .mapped(let source, let offset): bytes += try map.sources[source].bytes(length, at: offset)
        case .encoded(let unit, let skip):
          let decoded = try [UInt8].filled(unit.size) { (out) throws(ReadError) in try map.decode(unit, into: &out) }
          bytes += decoded[skip..<(skip + length)]
        }
      }
      position += list.length
    }
    return bytes
  }

  @Test func whatIsNotWrittenStaysOneExtent() throws {
    var writes = PendingWrites()
    try writes.zero(10, at: 100)
    try writes.copy(10, at: 110, from: 500)
    try writes.copy(10, at: 120, from: 510)
    let map = try ReplayedMap(of: device, with: writes)
    var list = ExtentList()
    try map.map(0..<20_000, into: &list)
    #expect(list.extents.map(\.length) == [100, 10, 20, 19_870])
    #expect(
      list.extents.map(\.kind) == [
        .mapped(source: 0, offset: 0), .unwritten, .mapped(source: 0, offset: 500), .mapped(source: 0, offset: 130),
      ])
  }

  @Test func aWriteMayNotLeadOutOfTheDevice() throws {
    var writes = PendingWrites()
    #expect(throws: ReadError.self) { try writes.zero(2, at: .max) }
    #expect(throws: ReadError.self) { try writes.copy(2, at: 0, from: .max) }
    try writes.zero(1, at: 20_000)
    #expect(throws: ReadError.self) { try ReplayedMap(of: device, with: writes) }
    #expect(try ReplayedMap(of: device, with: writes, size: 20_001).size == 20_001)
    var copies = PendingWrites()
    try copies.copy(1, at: 0, from: 0, of: 1)
    #expect(throws: ReadError.self) { try ReplayedMap(of: device, with: copies) }
    // A copy from past the end of the journal is told of when it is read.
    let map = try ReplayedMap(of: device, with: copies, journals: [MemoryDevice([])])
    let error = #expect(throws: ReadError.self) { try ComposedDevice(map).bytes(1, at: 0) }
    #expect(error?.cause == .truncated)
  }

  @Test func moreThanTheLimitIsRefused() throws {
    var writes = PendingWrites(limit: 3)
    for offset in 0..<3 as Range<UInt64> { try writes.zero(1, at: offset) }
    #expect(throws: ReadError.self) { try writes.zero(1, at: 3) }
    var literals = PendingWrites(limit: 1)
    #expect(throws: ReadError.self) { try literals.write([UInt8](repeating: 0, count: 17), at: 0) }
  }

  /// Writes that all cover one another take no longer for that.
  @Test func manyOverlappingWritesAreQuick() throws {
    var writes = PendingWrites()
    let count = UInt64(PendingWrites.defaultLimit)
    for index in 0..<count { try writes.zero(count * 4 - index * 2, at: index) }
    let began = ContinuousClock.now
    let map = try ReplayedMap(of: device, with: writes, size: count * 8)
    #expect(ContinuousClock.now - began < .seconds(60))
    #expect(try ComposedDevice(map).bytes(4, at: count * 4) == [0, 0, 0, 0])
  }
}
