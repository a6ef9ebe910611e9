import Bytes
import Testing

@testable import FileSystems

/// The expected numbers were computed by e2fsprogs 1.47.0 (`ext2fs_dirhash`, what debugfs's `dx_hash` command
/// prints), with the seed 00010203-0405-0607-0809-0a0b0c0d0e0f and with the default one.
@Suite struct Ext4NameHashTests {
  struct Vector: Sendable {
    let version: Ext4.HashVersion
    let name: [UInt8]
    let seeded: Ext4.NameHash
    let unseeded: Ext4.NameHash

    init(
      _ version: Ext4.HashVersion, _ name: some Sequence<UInt8>, _ major: UInt32, _ minor: UInt32,
      _ unseededMajor: UInt32, _ unseededMinor: UInt32
    ) {
      self.version = version
      self.name = Array(name)
      seeded = Ext4.NameHash(major: major, minor: minor)
      unseeded = Ext4.NameHash(major: unseededMajor, minor: unseededMinor)
    }
  }

  static let seed: (UInt32, UInt32, UInt32, UInt32) = (0x0302_0100, 0x0706_0504, 0x0B0A_0908, 0x0F0E_0D0C)
  static let highBytes: ClosedRange<UInt8> = 0x80...0xFE
  static let longest = repeatElement(UInt8(ascii: "x"), count: 255)

  static let vectors: [Vector] = [
    // legacy
    Vector(.legacy, "a".utf8, 0xE74B_53E2, 0x0000_0000, 0xE74B_53E2, 0x0000_0000),
    Vector(.legacy, "file.txt".utf8, 0x7868_4C1E, 0x0000_0000, 0x7868_4C1E, 0x0000_0000),
    Vector(.legacy, "lost+found".utf8, 0x5E2A_BA24, 0x0000_0000, 0x5E2A_BA24, 0x0000_0000),
    Vector(.legacy, "exactly-sixteen!".utf8, 0xCCDC_5236, 0x0000_0000, 0xCCDC_5236, 0x0000_0000),
    Vector(.legacy, "naïve".utf8, 0x442F_7420, 0x0000_0000, 0x442F_7420, 0x0000_0000),
    Vector(.legacy, highBytes, 0x7D05_E62C, 0x0000_0000, 0x7D05_E62C, 0x0000_0000),
    Vector(.legacy, longest, 0x3055_7DA6, 0x0000_0000, 0x3055_7DA6, 0x0000_0000),
    Vector(.legacy, "0123456789abcdef0123456789abcdef".utf8, 0x6D4A_15EE, 0x0000_0000, 0x6D4A_15EE, 0x0000_0000),
    // halfMD4
    Vector(.halfMD4, "a".utf8, 0x0A2F_A3A0, 0x6B8E_D956, 0xD5FA_7D7A, 0xACB4_8187),
    Vector(.halfMD4, "file.txt".utf8, 0xF1A2_BDCC, 0x8BB8_AAC2, 0x64FB_E4FE, 0xE0E0_D3E8),
    Vector(.halfMD4, "lost+found".utf8, 0xF06B_5BF6, 0x6B1B_6F5E, 0x591D_E422, 0x6FFC_56E0),
    Vector(.halfMD4, "exactly-sixteen!".utf8, 0xB65B_FEE2, 0x53F8_FFC1, 0xB4F9_5F8C, 0xA5E3_E537),
    Vector(.halfMD4, "naïve".utf8, 0x89AF_CECE, 0xF425_895C, 0x1B42_012A, 0xFCF9_D17A),
    Vector(.halfMD4, highBytes, 0x93FE_04FC, 0x4A9E_C3B1, 0x7D52_B25C, 0xCB8A_C955),
    Vector(.halfMD4, longest, 0xBA90_8BBE, 0x3554_4659, 0x2AA7_169E, 0x655F_9D9C),
    Vector(.halfMD4, "0123456789abcdef0123456789abcdef".utf8, 0x387E_F65C, 0x3F72_A358, 0x3618_4620, 0xC959_DF59),
    // tea
    Vector(.tea, "a".utf8, 0x0D96_3696, 0x03EA_7B5E, 0x6D0E_A4C0, 0xC189_22DF),
    Vector(.tea, "file.txt".utf8, 0xD792_8762, 0x65A1_9C44, 0x572A_0842, 0x3317_D5E2),
    Vector(.tea, "lost+found".utf8, 0x176D_0810, 0xD3F7_4E39, 0x2DBF_9E80, 0xBFEB_EE4F),
    Vector(.tea, "exactly-sixteen!".utf8, 0xCA58_A732, 0xE20D_4568, 0x333A_0A8E, 0x6A12_01D7),
    Vector(.tea, "naïve".utf8, 0x7480_9078, 0xADE1_2B3F, 0x784C_5732, 0x9013_03BE),
    Vector(.tea, highBytes, 0xF590_3482, 0x81BC_49C0, 0x4534_76A4, 0x7EA7_E221),
    Vector(.tea, longest, 0x0926_D4DC, 0xAB0F_519C, 0x6C4C_00EE, 0x0EAF_DB6B),
    Vector(.tea, "0123456789abcdef0123456789abcdef".utf8, 0xE6CD_C956, 0xE9F3_33D6, 0xCBE9_5E3C, 0x1762_7589),
    // legacyUnsigned
    Vector(.legacyUnsigned, "a".utf8, 0xE74B_53E2, 0x0000_0000, 0xE74B_53E2, 0x0000_0000),
    Vector(.legacyUnsigned, "file.txt".utf8, 0x7868_4C1E, 0x0000_0000, 0x7868_4C1E, 0x0000_0000),
    Vector(.legacyUnsigned, "lost+found".utf8, 0x5E2A_BA24, 0x0000_0000, 0x5E2A_BA24, 0x0000_0000),
    Vector(.legacyUnsigned, "exactly-sixteen!".utf8, 0xCCDC_5236, 0x0000_0000, 0xCCDC_5236, 0x0000_0000),
    Vector(.legacyUnsigned, "naïve".utf8, 0x275D_661A, 0x0000_0000, 0x275D_661A, 0x0000_0000),
    Vector(.legacyUnsigned, highBytes, 0xF6A0_4E0A, 0x0000_0000, 0xF6A0_4E0A, 0x0000_0000),
    Vector(.legacyUnsigned, longest, 0x3055_7DA6, 0x0000_0000, 0x3055_7DA6, 0x0000_0000),
    Vector(
      .legacyUnsigned, "0123456789abcdef0123456789abcdef".utf8, 0x6D4A_15EE, 0x0000_0000, 0x6D4A_15EE, 0x0000_0000),
    // halfMD4Unsigned
    Vector(.halfMD4Unsigned, "a".utf8, 0x0A2F_A3A0, 0x6B8E_D956, 0xD5FA_7D7A, 0xACB4_8187),
    Vector(.halfMD4Unsigned, "file.txt".utf8, 0xF1A2_BDCC, 0x8BB8_AAC2, 0x64FB_E4FE, 0xE0E0_D3E8),
    Vector(.halfMD4Unsigned, "lost+found".utf8, 0xF06B_5BF6, 0x6B1B_6F5E, 0x591D_E422, 0x6FFC_56E0),
    Vector(.halfMD4Unsigned, "exactly-sixteen!".utf8, 0xB65B_FEE2, 0x53F8_FFC1, 0xB4F9_5F8C, 0xA5E3_E537),
    Vector(.halfMD4Unsigned, "naïve".utf8, 0x1359_21A6, 0xBDF0_2EF6, 0x8262_460A, 0xCD3F_58E1),
    Vector(.halfMD4Unsigned, highBytes, 0xBA9A_A5F6, 0xD691_6A77, 0xC3AA_5C40, 0xE2F2_A6BA),
    Vector(.halfMD4Unsigned, longest, 0xBA90_8BBE, 0x3554_4659, 0x2AA7_169E, 0x655F_9D9C),
    Vector(
      .halfMD4Unsigned, "0123456789abcdef0123456789abcdef".utf8, 0x387E_F65C, 0x3F72_A358, 0x3618_4620, 0xC959_DF59),
    // teaUnsigned
    Vector(.teaUnsigned, "a".utf8, 0x0D96_3696, 0x03EA_7B5E, 0x6D0E_A4C0, 0xC189_22DF),
    Vector(.teaUnsigned, "file.txt".utf8, 0xD792_8762, 0x65A1_9C44, 0x572A_0842, 0x3317_D5E2),
    Vector(.teaUnsigned, "lost+found".utf8, 0x176D_0810, 0xD3F7_4E39, 0x2DBF_9E80, 0xBFEB_EE4F),
    Vector(.teaUnsigned, "exactly-sixteen!".utf8, 0xCA58_A732, 0xE20D_4568, 0x333A_0A8E, 0x6A12_01D7),
    Vector(.teaUnsigned, "naïve".utf8, 0xB16B_DE40, 0x4B19_D260, 0x6811_C436, 0x0CE9_8207),
    Vector(.teaUnsigned, highBytes, 0x67E9_5128, 0x1177_19C7, 0xA036_38A8, 0x8533_A1E1),
    Vector(.teaUnsigned, longest, 0x0926_D4DC, 0xAB0F_519C, 0x6C4C_00EE, 0x0EAF_DB6B),
    Vector(.teaUnsigned, "0123456789abcdef0123456789abcdef".utf8, 0xE6CD_C956, 0xE9F3_33D6, 0xCBE9_5E3C, 0x1762_7589),
  ]

  @Test(arguments: vectors) func equalsThatOfE2fsprogs(_ vector: Vector) {
    let name = vector.name.rawSpan
    #expect(Ext4.NameHash.of(name, version: vector.version, seed: Self.seed) == vector.seeded)
    #expect(Ext4.NameHash.of(name, version: vector.version, seed: (0, 0, 0, 0)) == vector.unseeded)
  }

  @Test func keyedHashIsNotComputed() {
    #expect(Ext4.NameHash.of(Array("a".utf8).rawSpan, version: .sipHash, seed: Self.seed) == nil)
  }
}
