import BlockDevices
import Bytes
import TestSupport
import Testing

@Suite struct CompositionTests {
  /// Layers drawn at random, three high: what `read` gives and what `resolve` tells must both equal the definition.
  @Test(arguments: 0..<64 as Range<UInt64>)
  func readAndResolveAgree(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let device = MemoryDevice((0..<20_000).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 8) })
    let lower = SyntheticMap(Self.extents(upTo: device.size, using: &random), over: [device])
    let middle = ComposedDevice(lower)
    for _ in 0..<20 {
      let start = UInt64.random(in: 0..<middle.size, using: &random)
      let end = UInt64.random(in: start...middle.size, using: &random)
      let expected = Array(lower.expected[Int(start)..<Int(end)])
      #expect(try middle.bytes(expected.count, at: start) == expected)
      #expect(try Self.resolved(start..<end, of: middle, limit: Int.random(in: 1...9, using: &random)) == expected)
      if let slice = Slice(of: middle, start: start, size: end - start), end > start {
        #expect(try slice.bytes(expected.count, at: 0) == expected)
        #expect(try Self.resolved(0..<slice.size, of: slice, limit: 2) == expected)
      }
    }
  }

  @Test func readingPastTheEndIsTruncation() throws {
    let device = ComposedDevice(SyntheticMap([Extent(.hole, length: 10)], over: []))
    let error = #expect(throws: ReadError.self) { try device.bytes(2, at: 9) }
    #expect(error?.cause == .truncated)
    var list = HostExtentList()
    #expect(throws: ReadError.self) { try device.resolve(9..<11, into: &list) }
  }

  @Test func neighboursAreMerged() {
    var list = ExtentList()
    list.append(.mapped(source: 0, offset: 0), length: 10)
    list.append(.mapped(source: 0, offset: 10), length: 5)
    list.append(.mapped(source: 1, offset: 15), length: 5)
    list.append(.hole, length: 0)
    list.append(.hole, length: 1)
    list.append(.hole, length: 2)
    list.append(.unwritten, length: 3)
    #expect(list.extents.map(\.length) == [15, 5, 3, 3])
    #expect(list.length == 26)
  }

  private static func extents(upTo size: UInt64, using random: inout SeededGenerator) -> [Extent] {
    (0..<Int.random(in: 1...30, using: &random)).map { _ in
      let length = UInt64.random(in: 1...900, using: &random)
      return switch Int.random(in: 0..<5, using: &random) {
      case 0: Extent(.hole, length: length)
      case 1: Extent(.unwritten, length: length)
      case 2:
        Extent(
          .encoded(EncodedUnit(.random(in: 0..<99, using: &random), size: Int(length) + 40), skip: 17), length: length)
      default: Extent(.mapped(source: 0, offset: .random(in: 0..<(size - length), using: &random)), length: length)
      }
    }
  }

  /// The bytes of `range` put together from what `resolve` tells, checking that it keeps its contract.
  private static func resolved(_ range: Range<UInt64>, of device: any BlockDevice, limit: Int) throws -> [UInt8] {
    var bytes: [UInt8] = []
    var position = range.lowerBound
    while position < range.upperBound {
      var list = HostExtentList(limit: limit)
      try device.resolve(position..<range.upperBound, into: &list)
      try #require(list.length > 0 && list.length <= range.upperBound - position)
      #expect(list.extents.count <= limit)
      for extent in list.extents {
        bytes += try extent.bytes()
      }
      position += list.length
    }
    return bytes
  }
}
