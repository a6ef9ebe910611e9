import FileSystems
import TestSupport
import Testing

/// What the driver says of a filesystem as a whole, against those who know.
@Suite(.serialized) struct Ext4SummaryTests {
  static let fixtures = Fixture.all(of: "ext4").filter { !$0.isHostile && !$0.isMadeByTests }

  @Test(arguments: fixtures)
  func featuresAreThoseOfDumpe2fs(_ fixture: Fixture) throws {
    let summary = try openFileSystem(in: fixture.image()).summary
    // dumpe2fs reads no damaged superblock by itself, as the driver does.
    guard summary.notices.allSatisfy({ !$0.contains("damaged") }) else { return }
    let output = try runSuccessfully(["dumpe2fs", "-h", fixture.image()]).output
    let line = try #require(output.split(separator: "\n").first { $0.hasPrefix("Filesystem features:") })
    let names = line.split(separator: " ").dropFirst(2).map(String.init)
    #expect(summary.features == (names == ["(none)"] ? [] : names))
  }

  @Test(arguments: fixtures)
  func typeAndIdentifiersAreThoseOfLibblkid(_ fixture: Fixture) throws {
    let summary = try openFileSystem(in: fixture.image()).summary
    guard summary.notices.allSatisfy({ !$0.contains("damaged") }) else { return }
    func tag(_ name: String) throws -> String {
      try run(["blkid", "-p", "-o", "value", "-s", name, fixture.image()]).output
        .split(separator: "\n").first.map(String.init) ?? ""
    }
    #expect(try summary.type == tag("TYPE"))
    #expect(try (summary.uuid ?? "") == tag("UUID"))
    #expect(try String(decoding: summary.label, as: UTF8.self) == tag("LABEL"))
  }

  @Test(
    .enabled(if: Privileges.hasKernelDriver, "needs root, loop devices and the kernel's ext4"),
    arguments: fixtures.filter { (try? $0.kernelRefusal) ?? nil == nil })
  func numbersAreThoseOfStatfs(_ fixture: Fixture) throws {
    let summary = try openFileSystem(in: fixture.image()).summary
    let kernel = try withKernelMount(of: fixture.image(), options: fixture.kernelOptions) {
      try runSuccessfully(["stat", "-f", "-c", "%S %b %f %a %c %d %l", $0]).output
    }
    let ours: [UInt64] = [
      UInt64(summary.blockSize), summary.blockCount, summary.freeBlockCount, summary.availableBlockCount,
      summary.inodeCount, summary.freeInodeCount, UInt64(summary.maximumNameLength),
    ]
    #expect(ours.map(String.init).joined(separator: " ") == kernel.split(separator: "\n").joined())
  }
}
