import BlockDevices
import Bytes
import FileSystems
import SystemPackage
import TestSupport
import Testing

/// Look-ups in large directories: what is there is found, what is not there is not, and neither takes a scan.
@Suite struct LookupTests {
  static let fixtures =
    Fixture.all(of: "ext4").filter { fixture in
      fixture.name.hasPrefix("dir-index") || fixture.name == "large-dir" || fixture.name == "no-dir-index"
    } + ["large-dir", "own-index", "short-metadata-blocks"].map { Fixture("squashfs", $0) }

  @Test(arguments: fixtures)
  func randomNamesAreFoundAndOthersAreNot(_ fixture: Fixture) throws {
    let fileSystem = try openFileSystem(in: fixture.image())
    let seed = UInt64.random(in: 0 ... .max)
    var generator = SeededGenerator(seed: seed)
    var directories: [NodeID] = [fileSystem.root]
    try fileSystem.list(fileSystem.root, from: 0) { _, entry in
      if entry.type == .directory { directories.append(entry.node) }
      return true
    }
    for directory in directories {
      var names: [([UInt8], NodeID)] = []
      try fileSystem.list(directory, from: 0) { name, entry in
        names.append((name.bytes, entry.node))
        return true
      }
      let present = Set(names.map(\.0))
      for _ in 0..<300 {
        guard let (name, node) = names.randomElement(using: &generator) else { break }
        #expect(try fileSystem.lookup(name.rawSpan, in: directory) == node, "\(fixture) \(name) seed \(seed)")
        // One byte more, one byte less, one byte other.
        for changed in [name + [0x21], Array(name.dropLast()), Array(name.dropLast()) + [0xC4]]
        where !changed.isEmpty && changed.count < 256 && !present.contains(changed) {
          #expect(try fileSystem.lookup(changed.rawSpan, in: directory) == nil, "\(fixture) \(changed) seed \(seed)")
        }
      }
    }
  }

  /// Names are found whatever their case and however their accents are put together; elsewhere they are not.
  @Test(arguments: [
    ("folded", "readme.txt", "ReadMe.TXT"), ("folded", "README.TXT", "ReadMe.TXT"),
    ("folded", "STRASSE", "Straße"), ("folded", "straße", "Straße"), ("folded", "e\u{301}te\u{301}", "ÉTÉ"),
    ("folded", "a\u{30A}NGSTRÖM", "Ångström"), ("folded", "ångström", "Ångström"), ("folded", "subdir", "SubDir"),
    ("folded", "readme", nil), ("folded", "ete", nil), ("plain", "README", "README"), ("plain", "readme", "readme"),
    ("plain", "Readme", nil), ("large", "NAME-NUMBER-217", "Name-Number-217"),
    ("large", "name-number-301", nil), ("large", "name-number-300", "Name-Number-300"),
  ])
  func caseIsFolded(_ directory: String, _ name: String, _ meant: String?) throws {
    let fileSystem = try openFileSystem(in: Fixture("ext4", "casefold").image())
    let folder = try #require(try fileSystem.lookup(Array(directory.utf8).rawSpan, in: fileSystem.root))
    var node: NodeID?
    try fileSystem.list(folder, from: 0) { listed, entry in
      if let meant, listed.bytes == Array(meant.utf8) { node = entry.node }
      return true
    }
    #expect((node == nil) == (meant == nil))
    #expect(try fileSystem.lookup(Array(name.utf8).rawSpan, in: folder) == node)
  }

  @Test func aMillionNamesAreNotScanned() throws {
    let image = try Fixture("ext4", "million-names").image()
    let device = CountingDevice(try HostFile(opening: FilePath(image)))
    let fileSystem = try openFileSystem(on: device)
    let directory = try #require(try fileSystem.lookup(Array("million".utf8).rawSpan, in: fileSystem.root))
    var generator = SeededGenerator(seed: 1)
    var most = 0
    for _ in 0..<500 {
      let number = String(Int.random(in: 0..<1_000_000, using: &generator))
      let name = Array((String(repeating: "0", count: 7 - number.count) + number + "-nnnnnnnn").utf8)
      device.reset()
      #expect(try fileSystem.lookup(name.rawSpan, in: directory) != nil, "\(number)")
      most = max(most, device.byteCount)
      device.reset()
      #expect(try fileSystem.lookup((name + [0x78]).rawSpan, in: directory) == nil)
      most = max(most, device.byteCount)
    }
    // The inode, its extents, the index's root, a node and a leaf, and another leaf where a hash goes on there.
    #expect(most <= 16 * 4096, "a look-up read \(most) bytes")
  }

  /// Every name comes once, whatever the place at which a listing is broken off and taken up again.
  @Test(
    arguments: ["large-dir", "dir-index-tea-signed", "no-dir-index", "inline-data-spill", "casefold"].map {
      Fixture("ext4", $0)
    } + ["large-dir", "own-index", "short-metadata-blocks", "gzip"].map { Fixture("squashfs", $0) })
  func listingsGoOnWhereTheyStopped(_ fixture: Fixture) throws {
    let fileSystem = try openFileSystem(in: fixture.image())
    var generator = SeededGenerator(seed: 7)
    var directories = [fileSystem.root]
    while let directory = directories.popLast() {
      var whole: [[UInt8]] = []
      try fileSystem.list(directory, from: 0) { name, entry in
        whole.append(name.bytes)
        if entry.type == .directory { directories.append(entry.node) }
        return true
      }
      var pieces: [[UInt8]] = []
      var cookie: UInt64 = 0
      var more = true
      while more {
        var room = Int.random(in: 1...400, using: &generator)
        more = false
        try fileSystem.list(directory, from: cookie) { name, entry in
          guard room > 0 else {
            more = true
            return false
          }
          room -= 1
          pieces.append(name.bytes)
          cookie = entry.cookie
          return true
        }
      }
      #expect(pieces == whole)
    }
  }
}
