import BlockDevices
import Bytes
import FileSystems
import Foundation
import Synchronization
import SystemPackage
import TestSupport
import Testing

/// What SquashFS has of its own: parents without a table, numbers of inodes, what comes next, and what reading costs.
@Suite struct SquashFSTests {
  private func open(_ fixture: String, budget: Int = 8 << 20) throws -> (fileSystem: SquashFS, device: CountingDevice) {
    let device = CountingDevice(try HostFile(opening: FilePath(Fixture("squashfs", fixture).image())))
    return (try SquashFS(reading: device, options: OpenOptions(metadataBudget: budget)), device)
  }

  /// Every directory by its node, with the one that holds it.
  private func directories(of fileSystem: SquashFS) throws -> [(node: NodeID, parent: NodeID)] {
    var found = [(node: fileSystem.root, parent: fileSystem.root)]
    var next = 0
    while next < found.count {
      let node = found[next].node
      next += 1
      try fileSystem.list(node, from: 0) { _, entry in
        if entry.type == .directory { found.append((entry.node, node)) }
        return true
      }
    }
    return found
  }

  /// One tree, by every codec: the kernel has no decoder for lzma, which so is compared with what it does read.
  @Test(arguments: ["lzma", "lzo", "xz", "lz4", "zstd"])
  func allCodecsDecodeTheSame(_ codec: String) throws {
    let gzip = Listing(of: try open("gzip").fileSystem)
    #expect(gzip.lines.count > 150 && gzip.failures.isEmpty)
    #expect(gzip.difference(from: Listing(of: try open(codec).fileSystem), named: ("gzip", codec)) == nil)
  }

  @Test(arguments: ["gzip", "no-exports", "large-dir", "short-metadata-blocks"])
  func parentsAreFound(_ fixture: String) throws {
    let directories = try directories(of: open(fixture).fileSystem)
    #expect(directories.count > 1)
    // By one that has not seen any of them.
    let other = try open(fixture).fileSystem
    for (node, parent) in directories.reversed() { #expect(try other.parent(of: node) == parent, "\(fixture)") }
    for (node, parent) in directories { #expect(try other.parent(of: node) == parent, "\(fixture)") }
  }

  @Test func numbersOfInodesAreThoseOfTheKernel() throws {
    let fileSystem = try open("hard-links").fileSystem
    var numbers: [UInt64] = []
    var nodes: Set<NodeID> = []
    for (directory, _) in try directories(of: fileSystem) {
      try fileSystem.list(directory, from: 0) { _, entry in
        #expect(entry.inodeNumber == fileSystem.inodeNumber(of: entry.node))
        if nodes.insert(entry.node).inserted { numbers.append(entry.inodeNumber ?? 0) }
        return true
      }
    }
    numbers.append(fileSystem.inodeNumber(of: fileSystem.root))
    // mksquashfs numbers them from 1 on, without gaps.
    #expect(numbers.sorted() == (1...UInt64(numbers.count)).map { $0 })
  }

  /// A walk in stored order reads each file behind the one that leads to it.
  @Test(arguments: ["gzip", "fragments-many", "large-positions", "xattrs"])
  func followersComeInTheOrderOfAWalk(_ fixture: String) throws {
    let fileSystem = try open(fixture).fileSystem
    var files: [NodeID] = []
    func walk(_ directory: NodeID) throws {
      var entries: [DirectoryEntry] = []
      try fileSystem.list(directory, from: 0) { _, entry in
        entries.append(entry)
        return true
      }
      for entry in entries {
        if entry.type == .directory { try walk(entry.node) }
        if entry.type == .regular, try fileSystem.attributes(of: entry.node).size > 0, !files.contains(entry.node) {
          files.append(entry.node)
        }
      }
    }
    try walk(fileSystem.root)
    #expect(files.count > 1)
    for (file, next) in zip(files, files.dropFirst()) { #expect(fileSystem.follower(of: file) == next) }
    #expect(files.last.flatMap { fileSystem.follower(of: $0) } == nil)
  }

  @Test func aLookupInALargeDirectoryReadsLittle() throws {
    // With no more memory than a few blocks.
    let (fileSystem, device) = try open("large-dir", budget: 1 << 16)
    let directory = try #require(try fileSystem.lookup(Array("large".utf8).rawSpan, in: fileSystem.root))
    var names: [[UInt8]] = []
    try fileSystem.list(directory, from: 0) { name, _ in
      names.append(name.bytes)
      return true
    }
    #expect(names.count == 8000)
    var generator = SeededGenerator(seed: 3)
    device.reset()
    for _ in 0..<200 {
      let name = try #require(names.randomElement(using: &generator))
      #expect(try fileSystem.lookup(name.rawSpan, in: directory) != nil)
      #expect(try fileSystem.lookup((name + [0x21]).rawSpan, in: directory) == nil)
    }
    // The index, and the one or two blocks that the name can be in: not the listing's thirty.
    #expect(device.readCount < 400 * 5, "\(device.readCount) reads")
  }

  @Test func aLongListOfBlocksIsNotAddedUpEachTime() throws {
    let (fileSystem, device) = try open("long-block-list", budget: 1 << 16)
    let node = try #require(try fileSystem.lookup(Array("first".utf8).rawSpan, in: fileSystem.root))
    let size = try fileSystem.attributes(of: node).size
    var extents = ExtentList()
    try fileSystem.map(node, (size - 1)..<size, into: &extents)
    var generator = SeededGenerator(seed: 5)
    device.reset()
    for _ in 0..<100 {
      let range = generator.range(in: size, largest: 5000)
      extents.removeAll()
      try fileSystem.map(node, range, into: &extents)
      #expect(extents.length == range.upperBound - range.lowerBound)
    }
    // Eleven blocks of the list, of which a map needs the one that it begins in, and where it goes on.
    #expect(device.readCount < 100 * 4, "\(device.readCount) reads")
  }

  /// What several files share is one unit: decoded once, it serves them all.
  @Test func filesInOneFragmentShareAUnit() throws {
    let fileSystem = try open("fragments-always").fileSystem
    var units: Set<EncodedUnit> = []
    var count = 0
    for file in regularFiles(of: fileSystem) where file.attributes.size > 0 {
      var extents = ExtentList()
      try fileSystem.map(file.node, (file.attributes.size - 1)..<file.attributes.size, into: &extents)
      guard case .encoded(let unit, _)? = extents.extents.first?.kind else { continue }
      units.insert(unit)
      count += 1
    }
    #expect(count > units.count)
  }

  /// Four who read small pieces anywhere in a file decode each block once, and read it from the device once.
  @Test func randomReadsDecodeEachBlockOnce() throws {
    let device = CountingDevice(try HostFile(opening: FilePath(Fixture("squashfs", "block-8k").image())))
    var options = OpenOptions()
    options.units = UnitCache(threads: 0)
    let fileSystem = try SquashFS(reading: device, options: options)
    let file = try fileSystem.file(
      try #require(try fileSystem.lookup(Array("more".utf8).rawSpan, in: fileSystem.root)))
    // All of the list of blocks, which is metadata.
    var extents = HostExtentList(limit: 1000)
    try file.resolve(0..<file.size, into: &extents)
    let encoded = extents.extents.count { if case .encoded = $0.kind { true } else { false } }
    try #require(encoded > 100 && extents.length == file.size)
    device.reset()
    let failures = Atomic<Int>(0)
    DispatchQueue.concurrentPerform(iterations: 4) { thread in
      var generator = SeededGenerator(seed: UInt64(thread))
      for _ in 0..<500 {
        let offset = UInt64.random(in: 0..<(file.size - 4096), using: &generator)
        if (try? file.bytes(4096, at: offset))?.count != 4096 { failures.add(1, ordering: .relaxed) }
      }
    }
    #expect(failures.load(ordering: .relaxed) == 0)
    #expect(device.readCount == encoded, "\(device.readCount) reads of \(encoded) blocks")
  }

  @Test func whatIsNoDirectoryIsNone() throws {
    let fileSystem = try open("gzip").fileSystem
    let file = try #require(try fileSystem.lookup(Array("small".utf8).rawSpan, in: fileSystem.root))
    for attempt in 0..<4 {
      let error = #expect(throws: ReadError.self) {
        switch attempt {
        case 0: _ = try fileSystem.lookup(Array("x".utf8).rawSpan, in: file)
        case 1: try fileSystem.list(file, from: 0) { _, _ in true }
        case 2: _ = try fileSystem.linkTarget(of: file)
        default:
          var extents = ExtentList()
          try fileSystem.map(fileSystem.root, 0..<1, into: &extents)
        }
      }
      #expect(error?.cause == .io(attempt < 2 ? .notDirectory : .invalidArgument))
    }
  }
}
