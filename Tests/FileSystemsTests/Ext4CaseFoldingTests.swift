import Bytes
import Testing

@testable import FileSystems

@Suite struct Ext4CaseFoldingTests {
  private func folded(_ name: some Sequence<UInt8>) -> [UInt8]? { Ext4.folded(Array(name).rawSpan) }

  /// Each equals what e2fsprogs 1.47.0 folds the name to.
  @Test(arguments: [
    ("Makefile", "makefile"),
    ("Grüße", "gru\u{308}sse"),
    ("ΑΣ ας", "ασ ασ"),
    ("İ", "i\u{307}"),
    ("ﬀ", "ff"),
    ("ᾂ", "α\u{313}\u{300}ι"),
    ("Ꭰ ꭰ", "Ꭰ Ꭰ"),
    ("Å", "a\u{30A}"),
    ("a\u{315}\u{300}\u{5AE}\u{300}b", "a\u{5AE}\u{300}\u{300}\u{315}b"),
    ("각가", "\u{1100}\u{1161}\u{11A8}\u{1100}\u{1161}"),
    ("so\u{AD}ft\u{200B}\u{FE0F}", "soft"),
    ("\u{1D15E}", "\u{1D157}\u{1D165}"),
    ("\u{2F800}", "\u{4E3D}"),
    ("\u{10400}", "\u{10428}"),
    // Assigned after 12.1, with case, with a class, as ignorable.
    ("\u{A7C7}", "\u{A7C7}"),
    ("a\u{301}\u{1ABF}", "a\u{301}\u{1ABF}"),
    ("\u{180F}", "\u{180F}"),
  ])
  func folding(_ name: String, _ expected: String) {
    #expect(folded(name.utf8) == Array(expected.utf8))
  }

  /// Also as e2fsprogs does: its code for this is the kernel's.
  @Test(
    arguments: [
      ([0x41, 0x80, 0x42], [0x61, 0x80, 0x62]),
      // U+08DE (class 230), a stray byte, U+08DF (230), U+0323 (220): the byte comes out in each of three passes.
      (
        [0xE0, 0xA3, 0x9E, 0x91, 0xE0, 0xA3, 0x9F, 0xCC, 0xA3],
        [0x91, 0x91, 0xCC, 0xA3, 0xE0, 0xA3, 0x9E, 0x91, 0xE0, 0xA3, 0x9F]
      ),
      // U+030F (230), an ignorable, U+FE27 (220): not put in order.
      ([0xCC, 0x8F, 0xF0, 0x9D, 0x85, 0xB6, 0xEF, 0xB8, 0xA7], [0xCC, 0x8F, 0xEF, 0xB8, 0xA7]),
    ] as [([UInt8], [UInt8])])
  func oddities(_ name: [UInt8], _ expected: [UInt8]) {
    #expect(folded(name) == expected)
  }

  @Test(
    arguments: [
      [0xFF], [0x80], [0x80, 0x61], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0x61, 0xC3],
    ] as [[UInt8]])
  func invalidUTF8IsNotFolded(_ name: [UInt8]) {
    #expect(folded(name) == nil)
  }

  /// What a code point folds to does not fold any further, nor change its order.
  @Test(arguments: [0x1...0x2FFF, 0xA000...0xFFFF, 0x10000...0x1FFFF, 0x2F800...0x2FA1F] as [ClosedRange<UInt32>])
  func foldingIsIdempotent(_ range: ClosedRange<UInt32>) throws {
    for value in range {
      guard let scalar = Unicode.Scalar(value) else { continue }
      let once = try #require(folded(UTF8.encode(scalar)!))
      if folded(once) != once { Issue.record("U+\(String(value, radix: 16))") }
    }
  }
}
