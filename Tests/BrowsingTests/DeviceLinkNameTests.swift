@testable import Browsing
import Testing

@Suite struct DeviceLinkNameTests {
  @Test func linkNamesAreEncodedAsUdevDoes() {
    func encoded(_ name: String) -> String { String(decoding: DeviceLinkName.encode(Array(name.utf8)), as: UTF8.self) }
    #expect(encoded("root") == "root")
    #expect(encoded("EFI System") == #"EFI\x20System"#)
    #expect(encoded("a/b\\c") == #"a\x2fb\x5cc"#)
    #expect(encoded("Größe") == "Größe")
    #expect(encoded("#+-.:=@_") == "#+-.:=@_")
    #expect(encoded("..") == #"\x2e\x2e"#)
    #expect(DeviceLinkName.encode([0xFF, 0x00, 0xC3]) == Array(#"\xff\x00\xc3"#.utf8))
    #expect(DeviceLinkName.encode([0xE2, 0x82]) == Array(#"\xe2\x82"#.utf8))
  }
}
