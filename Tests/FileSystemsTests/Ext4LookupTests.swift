import BlockDevices
import Bytes
import FileSystems
import SystemPackage
import TestSupport
import Testing

/// Finding names in ways that a walk does not: in another case, upwards, and where there is no such name.
@Suite struct Ext4LookupTests {
  private func node(_ path: String, in fileSystem: any FileSystem) throws -> NodeID? {
    var node = fileSystem.root
    for name in path.split(separator: "/") {
      guard let next = try fileSystem.lookup(Array(name.utf8).rawSpan, in: node) else { return nil }
      node = next
    }
    return node
  }

  @Test(arguments: [
    ("/folded/readme.txt", "/folded/ReadMe.TXT"), ("/folded/README.TXT", "/folded/ReadMe.TXT"),
    ("/folded/STRASSE", "/folded/Straße"), ("/folded/été", "/folded/ÉTÉ"),
    ("/folded/e\u{301}te\u{301}", "/folded/ÉTÉ"), ("/folded/Angstrom", nil),
    ("/folded/\u{212B}NGSTRÖM", "/folded/Ångström"), ("/large/NAME-number-7", "/large/Name-Number-7"),
    ("/large/nAME-nUMBER-300", "/large/Name-Number-300"), ("/large/name-number-301", nil),
    ("/plain/Readme", nil),
  ])
  func caseIsFoldedWhereTheDirectorySaysSo(_ asked: String, _ stored: String?) throws {
    let fileSystem = try openFileSystem(in: Fixture("ext4", "casefold").image())
    let found = try node(asked, in: fileSystem)
    let expected = try stored.flatMap { try node($0, in: fileSystem) }
    #expect(found == expected)
    #expect((found == nil) == (stored == nil))
  }

  @Test func namesThatDifferInCaseAreTwoFilesElsewhere() throws {
    let fileSystem = try openFileSystem(in: Fixture("ext4", "casefold").image())
    let upper = try #require(try node("/plain/README", in: fileSystem))
    let lower = try #require(try node("/plain/readme", in: fileSystem))
    #expect(upper != lower)
  }

  @Test(arguments: Fixture.all(of: "ext4").filter { !$0.isHostile && !$0.isMadeByTests })
  func everyDirectoryKnowsItsParent(_ fixture: Fixture) throws {
    let fileSystem = try openFileSystem(in: fixture.image())
    #expect(try fileSystem.parent(of: fileSystem.root) == fileSystem.root)
    var directories = [fileSystem.root]
    while let directory = directories.popLast() {
      var children: [NodeID] = []
      try fileSystem.list(directory, from: 0) { _, entry in
        if entry.type == .directory { children.append(entry.node) }
        return true
      }
      for child in children {
        #expect(try fileSystem.parent(of: child) == directory)
        #expect(try fileSystem.lookup(Array("..".utf8).rawSpan, in: child) == directory)
        #expect(try fileSystem.lookup(Array(".".utf8).rawSpan, in: child) == child)
      }
      directories += children
    }
  }

  @Test func noFileHasSuchAName() throws {
    let fileSystem = try openFileSystem(in: Fixture("ext4", "extents").image())
    for name in [[], Array("a/b".utf8), [0], [UInt8](repeating: 0x61, count: 256)] as [[UInt8]] {
      #expect(try fileSystem.lookup(name.rawSpan, in: fileSystem.root) == nil)
    }
  }

  @Test func whatIsNoDirectorySaysSo() throws {
    let fileSystem = try openFileSystem(in: Fixture("ext4", "symlinks").image())
    var links: [NodeID] = []
    try fileSystem.list(fileSystem.root, from: 0) { _, entry in
      if entry.type == .symbolicLink { links.append(entry.node) }
      return true
    }
    let link = try #require(links.first)
    #expect { try fileSystem.lookup(Array("x".utf8).rawSpan, in: link) } throws: {
      ($0 as? ReadError)?.cause == .io(.notDirectory)
    }
    #expect { try fileSystem.linkTarget(of: fileSystem.root) } throws: {
      ($0 as? ReadError)?.cause == .io(.invalidArgument)
    }
  }

  /// Numbers of the filesystem's own inodes, and those past its end, are no files.
  @Test(arguments: [0, 1, 3, 7, 8, 10, 1 << 31, 1 << 40] as [UInt64])
  func numbersThatNoFileCanHave(_ number: UInt64) throws {
    let fileSystem = try openFileSystem(in: Fixture("ext4", "extents").image())
    #expect { try fileSystem.attributes(of: NodeID(number)) } throws: { ($0 as? ReadError)?.cause == .corrupt }
  }
}
