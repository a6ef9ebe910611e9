@testable import Mounting
import Testing

@Suite struct TextTests {
  @Test func mountTableLinesAreParsed() throws {
    let text = """
      22 1 0:21 / /proc rw,nosuid shared:5 - proc proc rw
      40 1 0:40 / /mnt/a\\040b ro,nosuid - fuse.vitrine /img\\134x rw,user_id=1000,group_id=0
      nonsense
      41 1 0:41 / /mnt/a\\040b ro shared:1 master:2 - ext4 /dev/sda rw
      """
    let table = MountTable(parsing: Array(text.utf8))
    #expect(table.entries.count == 3)
    #expect(table.entries[1].mountPoint == "/mnt/a b")
    #expect(table.entries[1].source == #"/img\x"#)
    #expect(table.entries[1].superOptions == "rw,user_id=1000,group_id=0")
    let top = try #require(table.last(at: "/mnt/a b"))
    #expect(top.type == "ext4")
    #expect(top.device == "0:41")
    #expect(table.last(at: "/nowhere") == nil)
  }
}
