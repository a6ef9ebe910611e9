import BlockDevices
import Bytes
@testable import FileSystems
import SystemPackage
import TestSupport
import Testing

/// What listings do not show: units that are shared, the order in which files are stored, look-ups, what is told.
@Suite struct EROFSTests {
  private func open(_ fixture: String) throws -> any FileSystem {
    try openFileSystem(in: Fixture("erofs", fixture).image())
  }

  private func extents(of path: String, in fileSystem: any FileSystem) throws -> [Extent] {
    var node = fileSystem.root
    for part in path.split(separator: "/") {
      let name = Array(part.utf8)
      node = try #require(try fileSystem.lookup(name.rawSpan, in: node))
    }
    var extents = ExtentList(limit: 10_000)
    try fileSystem.map(node, 0..<(try fileSystem.attributes(of: node).size), into: &extents)
    return extents.extents
  }

  private func units(_ extents: [Extent]) -> [EncodedUnit] {
    extents.compactMap { if case .encoded(let unit, _) = $0.kind { unit } else { nil } }
  }

  @Test(arguments: ["dedupe", "dedupe-zstd", "extents-dedupe"])
  func filesShareUnits(_ fixture: String) throws {
    let fileSystem = try open(fixture)
    let first = Set(units(try extents(of: "text", in: fileSystem)))
    let second = units(try extents(of: "text-again", in: fileSystem))
    #expect(!first.isEmpty && second.allSatisfy(first.contains))
    // What ends in the middle of one wants less of it: another unit, at the same place.
    let beginning = units(try extents(of: "text-beginning", in: fileSystem))
    let partial = beginning.filter { !first.contains($0) }
    #expect(partial.count == 1 && first.map(\.id).contains(partial[0].id))
  }

  /// Bytes that are not compressed are spliced: none of them is in a unit.
  @Test(arguments: ["lz4-full-big", "interlaced", "extents-16", "lz4", "zstd"])
  func noiseIsMapped(_ fixture: String) throws {
    #expect(units(try extents(of: "noise", in: open(fixture))).isEmpty)
  }

  @Test func holesAreHoles() throws {
    for fixture in ["extents-16", "48bit"] {
      let extents = try extents(of: "hole", in: open(fixture))
      #expect(extents.count == 1 && extents[0].kind == .hole, "\(fixture)")
    }
  }

  /// Followers lead through all files in the order in which they are stored.
  @Test(arguments: ["plain", "lz4", "lz4-legacy", "ztailpacking", "chunks", "blocks-512"])
  func filesFollowEachOther(_ fixture: String) throws {
    let fileSystem = try open(fixture)
    let files = Set(regularFiles(of: fileSystem, limit: 5000).map(\.node))
    var followers = 0
    for file in files {
      guard let next = fileSystem.follower(of: file) else { continue }
      #expect(files.contains(next) && next != file, "\(fixture)")
      followers += 1
    }
    #expect(followers * 2 > files.count, "\(fixture): \(followers) of \(files.count)")
  }

  @Test(arguments: ["plain", "blocks-512", "metabox", "48bit"])
  func namesThatAreNotThereAreNotFound(_ fixture: String) throws {
    let fileSystem = try open(fixture)
    for name in [
      "", "a", "text0", "tex", "text\u{0}", "zzz", "~", "!", "dir/other", String(repeating: "n", count: 300),
    ] {
      let bytes = Array(name.utf8)
      #expect(try fileSystem.lookup(bytes.rawSpan, in: fileSystem.root) == nil, "\(fixture): \(name)")
    }
    let name = Array("dir".utf8)
    let directory = try #require(try fileSystem.lookup(name.rawSpan, in: fileSystem.root))
    #expect(try fileSystem.parent(of: directory) == fileSystem.root)
    #expect(try fileSystem.parent(of: fileSystem.root) == fileSystem.root)
  }

  /// The filter takes nothing away that is there.
  @Test func filtersKeepWhatIsThere() throws {
    let fileSystem = try open("xattr-filter")
    let path = Array("small".utf8)
    let node = try #require(try fileSystem.lookup(path.rawSpan, in: fileSystem.root))
    for (name, isThere) in [
      ("user.a.long.prefix.of.names", true), ("trusted.b", true), ("security.capability", false), ("user.x", false),
    ] {
      let bytes = Array(name.utf8)
      #expect((try fileSystem.extendedAttribute(bytes.rawSpan, of: node) != nil) == isThere, "\(name)")
    }
  }

  @Test func summaryAndDetails() throws {
    let fileSystem = try open("two-algorithms")
    let summary = fileSystem.summary
    #expect(summary.type == "erofs" && summary.uuid == "11111111-2222-4333-8444-555555555555")
    #expect(summary.created == Timestamp(seconds: 1_700_000_000) && summary.freeBlockCount == 0)
    #expect(summary.features.contains("0padding") && summary.notices == [])
    #expect(String(decoding: try open("48bit").summary.label, as: UTF8.self) == "forty-eight")
    let details = fileSystem.details
    let codecs = try #require(details.first)
    #expect(codecs.name == "compression")
    guard case .texts(let texts) = codecs.value else {
      Issue.record("\(codecs)")
      return
    }
    #expect(texts.map { $0.prefix { $0 != " " } } == ["lz4", "zstd"])
    let contents = regularFiles(of: fileSystem, limit: 100).reduce(0) { $0 + $1.attributes.size }
    // The hard link's 10 bytes are there twice by name.
    #expect(
      details.contains {
        if $0.name == "stored", case .part(_, of: contents - 10) = $0.value { true } else { false }
      })
    #expect(try open("plain").details.contains { $0.name == "compression" } == false)
    #expect(try #require(fileSystem as? EROFS).contentSize(limit: 3) == nil)
  }
}
