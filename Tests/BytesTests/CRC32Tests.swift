import Bytes
import Testing

@Suite struct CRC32Tests {
  /// The check value of the catalogue of CRCs, the same that zlib gives.
  @Test func checkValue() {
    var crc = CRC32()
    crc.update(Array("123456789".utf8).rawSpan)
    #expect(crc.value == 0xCBF4_3926)
  }

  @Test func zerosEqualTheirBytes() {
    var whole = CRC32()
    whole.update(([1, 2, 0, 0, 0, 3] as [UInt8]).rawSpan)
    var parts = CRC32()
    parts.update(([1, 2] as [UInt8]).rawSpan)
    parts.update(zeros: 3)
    parts.update(([3] as [UInt8]).rawSpan)
    #expect(whole.value == parts.value)
  }
}
