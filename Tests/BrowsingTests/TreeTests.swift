import BlockDevices
@testable import Browsing
import Bytes
import DiskImages
import DiskStack
import FileSystems
import SystemPackage
import TestSupport
import Testing
import Volumes

@Suite struct TreeTests {
  private let file: HostFile
  private let origin: ImageOrigin
  private let fileSystem: MemoryFileSystem
  private let names = (0..<100).map { "file \($0)" }

  init() throws {
    file = try HostFile(opening: "/proc/self/exe")
    origin = ImageOrigin(of: try DiskImage(opening: file.path))
    var nodes: [UInt64: MemoryFileSystem.Node] = [
      2: .init(kind: .directory([("sub", 3), ("link", 4)]), permissions: 0o755)
    ]
    nodes[3] = .init(kind: .directory(names.enumerated().map { ($1, UInt64($0) + 100) }), permissions: 0o755)
    nodes[4] = .init(kind: .link("sub"))
    for index in 0..<100 { nodes[UInt64(index) + 100] = .init(kind: .file([Extent(.hole, length: 10)])) }
    fileSystem = MemoryFileSystem(on: file, nodes: nodes)
  }

  private func lookup(_ name: String, in parent: UInt64, _ tree: Tree) throws -> NodeFacts? {
    try tree.lookup(Array(name.utf8).rawSpan, in: parent)
  }

  private func disk() -> Tree {
    func volume(_ number: Int, _ contents: Volume.Contents, label: String?, type: String) -> Volume {
      Volume(
        number: number, name: "p\(number)", device: file, start: 0,
        partition: Partition(
          number: number, start: 0, size: file.size, typeCode: "0x83", label: label, uuid: "uuid-\(number)"),
        signature: Signature(type: type, usage: .other, label: label, uuid: "fs-\(number)"), contents: contents)
    }
    var builder = DiskTreeBuilder()
    builder.addDevice(named: "disk.raw", RawDeviceNode(file))
    for volume in [
      volume(1, .fileSystem(fileSystem), label: "same", type: "memory"),
      volume(2, .unsupported(hint: ""), label: "same", type: "swap"),
      volume(3, .fileSystem(fileSystem), label: nil, type: "memory"),
    ] { builder.add(volume) }
    return Tree(
      made: builder.finish(), fileSystems: builder.fileSystems, diskSize: file.size, origin: origin)
  }

  private func names(in number: UInt64, _ tree: Tree) throws -> [String] {
    var names: [String] = []
    try tree.list(number, from: 0) { name, _ in
      names.append(String(decoding: name.array, as: UTF8.self))
      return true
    }
    return names
  }

  @Test func rootOfAFilesystemIsNumberOne() throws {
    let tree = Tree(of: fileSystem)
    #expect(try tree.facts(of: 1).statNumber == 2)
    let sub = try #require(try lookup("sub", in: 1, tree))
    #expect(sub.statNumber == 3)
    #expect(sub.number != 3)
    #expect(try lookup("..", in: sub.number, tree)?.number == 1)
    #expect(try lookup("..", in: 1, tree)?.number == 1)
    #expect(try lookup(".", in: sub.number, tree)?.number == sub.number)
    #expect(try lookup("nothing", in: 1, tree) == nil)
  }

  /// readdir(3) passes over entries with the number 0.
  @Test func noNumberThatIsShownIsZero() throws {
    let tree = Tree(
      of: MemoryFileSystem(
        on: file,
        nodes: [
          2: .init(kind: .directory([("zero", 0), ("one", 1)]), permissions: 0o755),
          0: .init(kind: .file([])), 1: .init(kind: .file([])),
        ]))
    var listed: [String: UInt64] = [:]
    try tree.list(1, from: 0) { name, entry in
      listed[String(decoding: name.array, as: UTF8.self)] = entry.statNumber
      return true
    }
    let zero = try #require(listed["zero"])
    #expect(zero != 0)
    #expect(zero == (try lookup("zero", in: 1, tree)?.statNumber))
    #expect(listed["one"] == 1)
    #expect(!listed.filter { $0.key != "zero" }.values.contains(zero))
  }

  @Test func numbersNeverGivenOutAreStale() {
    let tree = Tree(of: fileSystem)
    for number: UInt64 in [0, 2, 3 << 48 | 2, .max, 1 << 48 | 77] {
      let error = #expect(throws: ReadError.self) { try tree.facts(of: number) }
      #expect(error?.cause == .io(.staleNFSFileHandle))
    }
  }

  @Test func aDiskShowsDevicesVolumesAndLinks() throws {
    let tree = disk()
    #expect(
      try names(in: 1, tree) == [
        ".", "..", "disk.raw", "p1", "p1.raw", "p2.raw", "p3", "p3.raw", "by-label", "by-uuid", "by-partlabel",
        "by-partuuid",
      ])
    let labels = try #require(try lookup("by-label", in: 1, tree))
    // Two filesystems of one label, and the volume that has none of its own: the first wins.
    #expect(try names(in: labels.number, tree) == [".", "..", #"memory\x20label"#, "same"])
    let first = try #require(try lookup(#"memory\x20label"#, in: labels.number, tree))
    #expect(try tree.linkTarget(of: first.number) == Array("../p1".utf8))
    let swap = try #require(try lookup("same", in: labels.number, tree))
    #expect(try tree.linkTarget(of: swap.number) == Array("../p2.raw".utf8))
    #expect(try lookup("..", in: labels.number, tree)?.number == 1)
  }

  @Test func numbersOnADiskAreUniqueAcrossVolumes() throws {
    let tree = disk()
    let one = try #require(try lookup("p1", in: 1, tree))
    let three = try #require(try lookup("p3", in: 1, tree))
    #expect(one.statNumber != three.statNumber)
    let below = try #require(try lookup("sub", in: three.number, tree))
    #expect(below.number >> 48 == 2)
    #expect(try lookup("..", in: below.number, tree)?.number == three.number)
    #expect(try lookup("..", in: three.number, tree)?.number == 1)
  }

  @Test func aListResumesBehindAnyEntry() throws {
    let tree = Tree(of: fileSystem)
    let sub = try #require(try lookup("sub", in: 1, tree)).number
    let whole = try names(in: sub, tree)
    #expect(whole == [".", ".."] + names)
    for step in [1, 2, 3, 7] {
      var collected: [String] = []
      var cookie: UInt64 = 0
      while true {
        var taken = 0
        var last = cookie
        try tree.list(sub, from: cookie) { name, entry in
          guard taken < step else { return false }
          taken += 1
          collected.append(String(decoding: name.array, as: UTF8.self))
          last = entry.cookie
          return true
        }
        if taken == 0 { break }
        cookie = last
      }
      #expect(collected == whole)
    }
  }

  @Test func aListOfWhatIsNoFolderFails() throws {
    let tree = disk()
    let raw = try #require(try lookup("disk.raw", in: 1, tree))
    #expect(throws: ReadError.self) { try tree.list(raw.number, from: 0) { _, _ in true } }
    #expect(throws: ReadError.self) { try lookup("x", in: raw.number, tree) }
  }
}
