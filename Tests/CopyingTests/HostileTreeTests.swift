import Browsing
import Bytes
import Copying
import FileSystems
import Foundation
import SystemPackage
import TestSupport
import Testing

/// Trees made by somebody who wants a copy to go where it must not.
@Suite struct HostileTreeTests {
  @Test func namesThatLeadOutAreRefused() throws {
    let scratch = try CopyScratch()
    try scratch.copy(
      scratch.tree([
        2: CopyScratch.folder([("..", 3), ("../outside", 4), (".", 3), ("", 4), ("a/b", 4), ("/abs", 4), ("good", 4)]),
        3: CopyScratch.folder([("outside", 4)]),
        4: CopyScratch.file(),
      ]))
    #expect(scratch.contents == ["good"])
    #expect(scratch.failures.count == 6 && scratch.failures.allSatisfy { $0.contains("no file can have that name") })
    #expect(scratch.outsideIsUntouched)
  }

  /// The link comes first, and a folder of the same name would be made through it.
  @Test func aLinkThatIsAFolderTooLeadsNowhere() throws {
    for target in ["..", "../", "/tmp", "."] {
      let scratch = try CopyScratch()
      try scratch.copy(
        scratch.tree([
          2: CopyScratch.folder([("x", 3), ("x", 4)]), 3: CopyScratch.link(target),
          4: CopyScratch.folder([("planted", 5)]), 5: CopyScratch.file(),
        ]))
      #expect(scratch.contents == ["x"] && scratch.failures.count == 1, "\(target): \(scratch.failures)")
      #expect(scratch.outsideIsUntouched)
      #expect(!FileManager.default.fileExists(atPath: "/tmp/planted"))
    }
  }

  @Test func aFolderThatIsALinkTooStays() throws {
    let scratch = try CopyScratch()
    try scratch.copy(
      scratch.tree([
        2: CopyScratch.folder([("x", 4), ("x", 3), ("x", 5)]), 3: CopyScratch.link(".."),
        4: CopyScratch.folder([("inside", 5)]), 5: CopyScratch.file(),
      ]))
    #expect(scratch.contents == ["x", "x/inside"] && scratch.failures.count == 2, "\(scratch.failures)")
    #expect(scratch.outsideIsUntouched)
  }

  /// What was in the target before is a link to elsewhere.
  @Test func linksInTheTargetAreNotFollowed() throws {
    let scratch = try CopyScratch()
    try FileManager.default.createSymbolicLink(atPath: scratch.target + "/dir", withDestinationPath: "..")
    try FileManager.default.createSymbolicLink(atPath: scratch.target + "/outside", withDestinationPath: "../outside")
    try scratch.copy(
      scratch.tree([
        2: CopyScratch.folder([("dir", 3), ("outside", 4)]), 3: CopyScratch.folder([("planted", 4)]),
        4: CopyScratch.file(),
      ]))
    #expect(scratch.outsideIsUntouched)
    #expect(scratch.contents == ["dir", "outside"])
    #expect(scratch.failures.count == 1 && scratch.failures[0].contains("no folder"), "\(scratch.failures)")
    #expect(try String(contentsOfFile: scratch.target + "/outside", encoding: .utf8) == "xxxxxxxxxx")
  }

  @Test func linksAreMadeAsTheyAre() throws {
    let scratch = try CopyScratch()
    try scratch.copy(
      scratch.tree([
        2: CopyScratch.folder([("abs", 3), ("up", 4)]), 3: CopyScratch.link("/etc/passwd"),
        4: CopyScratch.link("../../../../etc"),
      ]))
    #expect(scratch.failures.isEmpty)
    #expect(
      try FileManager.default.destinationOfSymbolicLink(atPath: scratch.target + "/up") == "../../../../etc")
    #expect(try FileManager.default.destinationOfSymbolicLink(atPath: scratch.target + "/abs") == "/etc/passwd")
  }

  @Test func aFileThatCannotBeReadLeavesNothing() throws {
    let scratch = try CopyScratch()
    var damaged = CopyScratch.file()
    damaged.failure = .corrupt("extent tree", at: 3)
    try scratch.copy(
      scratch.tree([2: CopyScratch.folder([("bad", 3), ("good", 4)]), 3: damaged, 4: CopyScratch.file()]))
    #expect(scratch.contents == ["good"])
    #expect(scratch.failures == ["/bad: corrupt extent tree (at 3)"])
  }

  /// Deeper than descriptors and paths go.
  @Test func aDeepTreeIsCopied() throws {
    let scratch = try CopyScratch()
    let depth: UInt64 = 3000
    var nodes: [UInt64: MemoryFileSystem.Node] = [2 + depth: CopyScratch.folder([("last", 1)]), 1: CopyScratch.file()]
    for level in 0..<depth { nodes[2 + level] = CopyScratch.folder([("d", 3 + level)]) }
    try scratch.copy(scratch.tree(nodes))
    #expect(scratch.failures.isEmpty, "\(scratch.failures.first ?? "")")
    #expect(scratch.copied.count == Int(depth) + 2)
    try runSuccessfully(["rm", "-rf", scratch.target])
  }

  /// Two names that a target takes for one: here, an NTFS whose driver looks away from case.
  @Test(.enabled(if: Privileges.hasFUSE)) func namesThatFoldTogetherAreSaid() throws {
    let scratch = try CopyScratch()
    let image = scratch.folder.path + "/../\(scratch.folder.url.lastPathComponent)-folding.img"
    defer { try? FileManager.default.removeItem(atPath: image) }
    try runSuccessfully(["truncate", "-s", "16M", image])
    try runSuccessfully(["mkntfs", "--force", "--fast", "--quiet", image])
    try runSuccessfully(["lowntfs-3g", "-o", "ignore_case", image, scratch.target])
    defer { _ = try? run(["fusermount3", "-u", "-z", scratch.target]) }
    let tree = try scratch.tree([
      2: CopyScratch.folder([("Makefile", 4), ("makefile", 4), ("dir", 3), ("DIR", 5)]),
      3: CopyScratch.folder([("readme", 4), ("README", 6)]), 4: CopyScratch.file(), 5: CopyScratch.folder([("b", 4)]),
      6: CopyScratch.file(20),
    ])
    for round in 1...2 {
      try scratch.copy(tree)
      // That driver tells all names in small letters.
      // And keeps what was removed while it was open for a moment, under names of its own.
      let contents = scratch.contents.filter { !$0.contains(".ghost-ntfs-3g-") }
      #expect(contents == ["dir", "dir/readme", "makefile"], "\(contents)")
      #expect(scratch.failures.count == 3 * round, "\(scratch.failures)")
      #expect(scratch.failures.allSatisfy { $0.contains("name which is the same there") }, "\(scratch.failures)")
    }
  }

  @Test func anArchiveHasNoneOfThatEither() throws {
    let scratch = try CopyScratch()
    let tree = try scratch.tree([
      2: CopyScratch.folder([("..", 4), ("a/b", 5), ("x", 3), ("x", 4), ("good", 5)]), 3: CopyScratch.link("/tmp"),
      4: CopyScratch.folder([("planted", 5)]), 5: CopyScratch.file(),
    ])
    let path = scratch.folder.path + "/archive.tar"
    let file = try FileDescriptor.open(
      FilePath(path), .writeOnly, options: [.create, .truncate], permissions: .ownerReadWrite)
    let archive = TreeArchive(of: tree, to: file, observer: scratch)
    try archive.add(tree.facts(of: Tree.root), from: Array("/".utf8), as: [])
    try archive.finish()
    try file.close()
    #expect(try runSuccessfully(["tar", "-tf", path]).output == "./\ngood\nx\n")
    #expect(scratch.failures.count == 3, "\(scratch.failures)")
  }
}
