import Bytes
import Testing

@Suite struct SHA256Tests {
  /// FIPS 180-4's examples, and the digest of nothing.
  @Test(arguments: [
    ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    (
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
    ),
  ])
  func knownDigests(_ text: String, _ digest: String) {
    let bytes = Array(text.utf8)
    let hexadecimal = SHA256.digest(of: bytes.rawSpan).map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }
      .joined()
    #expect(hexadecimal == digest)
  }
}
