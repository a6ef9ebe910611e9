import Bytes
import Testing

@Suite struct XXH32Tests {
  /// Values of the specification's reference implementation.
  @Test(
    arguments: [
      ("", 0, 0x02CC_5D05), ("", 0x9E37_79B1, 0x36B7_8AE7), ("a", 0, 0x550D_7456), ("abc", 0, 0x32D1_53FF),
      ("Nobody inspects the spammish repetition", 0, 0xE229_3B2F),
    ] as [(String, UInt32, UInt32)])
  func equalsTheReference(_ text: String, _ seed: UInt32, _ hash: UInt32) {
    let bytes = Array(text.utf8)
    #expect(XXH32.hash(bytes.rawSpan, seed: seed) == hash)
  }
}
