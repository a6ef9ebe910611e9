import Bytes
import Testing

@testable import FileSystems

/// The lists were made by setfacl on the kernel's ext4; left what it wrote to the disk, right what getfattr told.
@Suite struct Ext4ACLTests {
  @Test(arguments: [
    (
      "0100000001000600" + "02000600e8030000" + "0200040070110100" + "04000400" + "0800050064000000" + "10000700"
        + "20000000",
      "02000000" + "01000600ffffffff" + "02000600e8030000" + "0200040070110100" + "04000400ffffffff"
        + "0800050064000000" + "10000700ffffffff" + "20000000ffffffff"
    ),
    (
      "01000000" + "01000700" + "02000700e9030000" + "04000500" + "10000700" + "20000500",
      "02000000" + "01000700ffffffff" + "02000700e9030000" + "04000500ffffffff" + "10000700ffffffff"
        + "20000500ffffffff"
    ),
  ])
  func equalsTheKernels(_ disk: String, _ expected: String) throws {
    #expect(try Ext4.posixACL(fromDisk: hex(disk).rawSpan) == hex(expected))
  }

  @Test func emptyListIsNoAttribute() throws {
    #expect(try Ext4.posixACL(fromDisk: hex("01000000").rawSpan) == nil)
  }

  @Test(arguments: [
    "", "010000", "0100000001", "01000000010006", "010000000200060001", "0100000003000600", "0100000000000000",
  ])
  func damagedListIsRefused(_ disk: String) {
    let error = #expect(throws: ReadError.self) { try Ext4.posixACL(fromDisk: hex(disk).rawSpan) }
    #expect(error?.cause == .corrupt)
  }

  @Test func otherVersionIsUnsupported() {
    let error = #expect(throws: ReadError.self) { try Ext4.posixACL(fromDisk: hex("0200000001000600").rawSpan) }
    #expect(error?.cause == .unsupported)
  }
}
