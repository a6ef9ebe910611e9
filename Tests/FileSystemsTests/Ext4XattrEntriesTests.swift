import Bytes
import Testing

@testable import FileSystems

/// The areas were written by the kernel's ext4 (setfattr on a mounted filesystem with 1024-byte blocks, the feature
/// `ea_inode`, and the UUID 00010203-0405-0607-0809-0a0b0c0d0e0f).
@Suite struct Ext4XattrEntriesTests {
  /// user.a = "hello" and trusted.t = "x".
  static let inodeArea =
    hex("000002ea01015400000000000500000000000000610000000104500000000000010000000000000074000000")
    + zeros(40) + hex("780000006865") + hex("6c6c6f000000")

  /// user.n1 … user.n4, 40 bytes each of their digit, and user.long, 300 times "v".
  static let block =
    hex("000002ea01000000010000004376d7c7212d2d68000000000000000000000000")
    + hex("0201ac020000000028000000f10d00006e310000") + hex("020184020000000028000000f20d00006e320000")
    + hex("02015c020000000028000000f30d00006e330000") + hex("020134020000000028000000f40d00006e340000")
    + hex("0401d402000000002c0100004176d1c76c6f6e67") + zeros(0x234 - 0x84)
    + repeated("4", 40) + repeated("3", 40) + repeated("2", 40) + repeated("1", 40) + repeated("v", 300)

  /// user.big: 3000 times "b", in inode 17.
  static let areaWithValueInode = hex("000002ea0301000011000000b80b0000971840a562696700") + zeros(72)

  @Test func entriesOfAnInode() throws {
    let area = Self.inodeArea
    #expect(area.count == 96)
    let entries = try Ext4.parseXattrEntries(area.rawSpan, in: .inode)
    #expect(entries.map(\.name) == ["user.a", "trusted.t"].map { Array($0.utf8) })
    #expect(entries.map(\.rawName) == ["a", "t"].map { Array($0.utf8) })
    #expect(entries.map(\.visibility) == [.everyone, .root])
    #expect(try values(of: entries, in: area) == ["hello", "x"].map { Array($0.utf8) })
  }

  @Test func entriesOfABlock() throws {
    let block = Self.block
    #expect(block.count == 1024)
    let entries = try Ext4.parseXattrEntries(block.rawSpan, in: .block)
    #expect(entries.map(\.name) == ["n1", "n2", "n3", "n4", "long"].map { Array("user.\($0)".utf8) })
    #expect(
      try values(of: entries, in: block) == [
        repeated("1", 40), repeated("2", 40), repeated("3", 40), repeated("4", 40), repeated("v", 300),
      ])
    #expect(entries.map(\.hash) == [0xDF1, 0xDF2, 0xDF3, 0xDF4, 0xC7D1_7641])
  }

  @Test func valueInAnInodeOfItsOwn() throws {
    let entry = try #require(try Ext4.parseXattrEntries(Self.areaWithValueInode.rawSpan, in: .inode).first)
    #expect(entry.valueInode == 17)
    #expect(entry.valueSize == 3000)
    // What the kernel stored as the access time of inode 17.
    let uuid: [UInt8] = Array(0...15)
    var seed = CRC32C()
    seed.update(uuid.rawSpan)
    let valueHash = Ext4.xattrValueHash(repeated("b", 3000).rawSpan, seed: seed.value)
    #expect(valueHash == 0x2007_1896)
    #expect(Ext4.xattrEntryHash(name: entry.rawName.rawSpan, valueHash: valueHash) == entry.hash)
  }

  /// Numbers of e2fsprogs 1.47.0: `ext2fs_ext_attr_hash_entry` and `ext2fs_ext_attr_hash_entry_signed`.
  @Test func hashOfNonASCIIName() {
    let name = Array("naïve".utf8)
    // The value "1234", as a word.
    #expect(Ext4.xattrEntryHash(name: name.rawSpan, valueHash: 0x3433_3231) == 0x0696_E842)
    #expect(Ext4.xattrEntryHash(name: name.rawSpan, valueHash: 0x3433_3231, signed: true) == 0x7A96_E83E)
  }

  @Test func areaWithoutMagic() throws {
    #expect(try Ext4.parseXattrEntries(zeros(96).rawSpan, in: .inode).isEmpty)
    #expect(try Ext4.parseXattrEntries(zeros(4).rawSpan, in: .inode).isEmpty)
    expectCorrupt(zeros(1024), in: .block)
    expectCorrupt([], in: .block)
  }

  @Test func unknownNameIndexIsLeftOut() throws {
    var area = Self.inodeArea
    area[5] = 5
    #expect(try Ext4.parseXattrEntries(area.rawSpan, in: .inode).map(\.name) == [Array("trusted.t".utf8)])
    area[5] = 7
    #expect(try Ext4.parseXattrEntries(area.rawSpan, in: .inode).map(\.visibility) == [.never, .root])
  }

  @Test(arguments: [
    (4, 255),  // the name runs past the end
    (6, 96),  // the value lies past the end
    (6, 90),  // the value ends past the end
    (6, 36),  // the value overlaps the terminator
    (15, 1),  // the value is longer than the format allows
    (12, 100),  // the value is longer than the area
    (20, 0),  // the name is a NUL
  ])
  func damagedEntryIsRefused(_ offset: Int, _ byte: UInt8) {
    var area = Self.inodeArea
    area[offset] = byte
    expectCorrupt(area, in: .inode)
  }

  @Test func unendedEntriesAreRefused() {
    let entry = hex("00060000000000000000000000000000")
    expectCorrupt(hex("000002ea") + (0..<5).flatMap { _ in entry }, in: .inode)
    expectCorrupt(hex("000002ea") + (0..<5).flatMap { _ in entry } + [1, 6], in: .inode)
  }

  @Test func severalBlocksAreRefused() {
    var block = Self.block
    block[8] = 2
    expectCorrupt(block, in: .block)
  }

  private func expectCorrupt(_ area: [UInt8], in place: Ext4.XattrArea) {
    let error = #expect(throws: ReadError.self) { try Ext4.parseXattrEntries(area.rawSpan, in: place) }
    #expect(error?.cause == .corrupt)
  }

  private func values(of entries: [Ext4.XattrEntry], in area: [UInt8]) throws -> [[UInt8]] {
    try entries.map { try area.rawSpan.bytes($0.valueOffset, count: $0.valueSize) }
  }
}
