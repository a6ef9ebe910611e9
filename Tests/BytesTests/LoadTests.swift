import Bytes
import Testing

@Suite struct LoadTests {
  let bytes: [UInt8] = [1, 2, 3, 4, 5, 6, 7, 8, 9]

  @Test func bothByteOrders() throws {
    let span = bytes.rawSpan
    #expect(try span.u8(8) == 9)
    #expect(try span.le16(0) == 0x0201)
    #expect(try span.be16(0) == 0x0102)
    #expect(try span.le32(1) == 0x0504_0302)
    #expect(try span.be32(1) == 0x0203_0405)
    #expect(try span.le64(1) == 0x0908_0706_0504_0302)
    #expect(try span.be64(1) == 0x0203_0405_0607_0809)
  }

  @Test(arguments: [2, 9, Int.max, -1, Int.min])
  func loadsOutOfBoundsThrow(offset: Int) {
    #expect(throws: ReadError.self) { try bytes.rawSpan.le64(offset) }
  }

  @Test(arguments: [(0, 10), (9, 1), (10, 0), (-1, 1), (1, -1), (Int.max, Int.max), (3, Int.max)])
  func slicesOutOfBoundsThrow(offset: Int, count: Int) {
    #expect(throws: ReadError.self) { try bytes.rawSpan.bytes(offset, count: count) }
  }

  @Test func slices() throws {
    #expect(try bytes.rawSpan.bytes(9, count: 0) == [])
    #expect(try bytes.rawSpan.bytes(2, count: 3) == [3, 4, 5])
    let same = try bytes.rawSpan.slice(2, count: 3).equals(([3, 4, 5] as [UInt8]).rawSpan)
    let other = bytes.rawSpan.equals(([1] as [UInt8]).rawSpan)
    #expect(same && !other)
  }

  @Test func checkedArithmetic() throws {
    #expect(try UInt64(1).adding(2, of: "sum") == 3)
    #expect(throws: ReadError.self) { try UInt64.max.adding(1, of: "sum") }
    #expect(throws: ReadError.self) { try UInt32(0).subtracting(1, of: "difference") }
    #expect(throws: ReadError.self) { try UInt64(1 << 33).multiplied(by: 1 << 33, of: "product") }
    #expect(throws: ReadError.self) { try UInt64.max.converted(to: Int.self, of: "number") }
    #expect(UInt64(4097).roundedUp(toMultipleOf: 4096) == 8192)
    #expect(UInt64(4096).roundedUp(toMultipleOf: 4096) == 4096)
    #expect(UInt64.max.roundedUp(toMultipleOf: 4096) == .max)
  }
}
