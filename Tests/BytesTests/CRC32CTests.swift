import Bytes
import Testing

@Suite struct CRC32CTests {
  /// The check value of RFC 3720 appendix B.4 and of the catalogue of CRCs.
  @Test func checkValue() {
    var crc = CRC32C()
    crc.update(Array("123456789".utf8).rawSpan)
    #expect(~crc.value == 0xE306_9283)
  }

  @Test func zerosAndIntegersEqualTheirBytes() {
    var whole = CRC32C()
    whole.update(([1, 2, 3, 4] as [UInt8]).rawSpan)
    whole.update([UInt8](repeating: 0, count: 19).rawSpan)
    var parts = CRC32C()
    parts.update(le: 0x0403_0201)
    parts.update(zeros: 19)
    #expect(whole.value == parts.value)
  }
}
