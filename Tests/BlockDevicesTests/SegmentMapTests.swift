import BlockDevices
import Bytes
import Testing

/// Parts and holes behind one another.
@Suite struct SegmentMapTests {
  @Test func partsAndHolesAreOneDevice() throws {
    let first = MemoryDevice(Array(0..<100))
    let second = MemoryDevice(Array(100..<200))
    let map = try SegmentMap(
      [
        .init(source: 0, offset: 10, length: 50), .init(source: nil, length: 0), .init(source: nil, length: 30),
        .init(source: 1, length: 100), .init(source: 0, offset: 0, length: 5),
      ], of: [first, second])
    let expected: [UInt8] =
      Array(10..<60) + [UInt8](repeating: 0, count: 30) + Array(100..<200) + Array(0..<5)
    let device = ComposedDevice(map)
    #expect(device.size == 185)
    for start in 0..<185 {
      for end in start...185 where (start + end) % 7 == 0 {
        #expect(try device.bytes(end - start, at: UInt64(start)) == Array(expected[start..<end]))
      }
    }
    #expect(throws: ReadError.self) { try device.bytes(2, at: 184) }
  }

  @Test func lengthsThatOverflowAreRefused() {
    #expect(throws: ReadError.self) {
      try SegmentMap([.init(source: nil, length: .max), .init(source: nil, length: 1)], of: [])
    }
    #expect(throws: ReadError.self) {
      try SegmentMap([.init(source: 0, offset: .max, length: 1)], of: [MemoryDevice([])])
    }
  }
}
