import BlockDevices
@testable import Browsing
import Bytes
import FileSystems
import Foundation
import TestSupport
import Testing

/// What a reader in order will want is decoded before he asks; what nobody asks for in order is not.
@Suite struct ReadAheadTests {
  private static let unitSize = 64 << 10

  /// Files of some units each, stored one behind the other; unit `n` of file `f` has the number `f * 1000 + n`.
  private struct Shelf {
    let fileSystem: MemoryFileSystem
    let tree: Tree
    let readAhead: ReadAhead

    init(files: Int, units: Int, follow: Bool = true, threads: Int = 2, budget: Int = 64 << 20) {
      var nodes: [UInt64: MemoryFileSystem.Node] = [:]
      var contents: [UInt64: [UInt8]] = [:]
      var followers: [UInt64: UInt64] = [:]
      for file in 10..<UInt64(10 + files) {
        var extents: [Extent] = []
        for unit in 0..<UInt64(units) {
          let number = file * 1000 + unit
          contents[number] = [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: unitSize)
          extents.append(Extent(.encoded(EncodedUnit(number, size: unitSize), skip: 0), length: UInt64(unitSize)))
        }
        nodes[file] = .init(kind: .file(extents))
        if follow && file + 1 < UInt64(10 + files) { followers[file] = file + 1 }
      }
      nodes[2] = .init(kind: .directory(nodes.keys.sorted().map { ("file\($0)", $0) }))
      fileSystem = MemoryFileSystem(
        on: MadeZeros(), nodes: nodes, contents: contents, units: UnitCache(budget: budget, threads: threads),
        followers: followers)
      tree = Tree(of: fileSystem)
      readAhead = ReadAhead(in: tree)
    }

    /// What a READ does: notes it, and reads. Then waits, if asked to, for what was ordered.
    func read(_ file: UInt64, _ range: Range<UInt64>, settling: Bool = false) throws {
      let number = 1 << 48 | file
      let device = try tree.file(number)
      var extents = HostExtentList()
      try device.resolve(range, into: &extents)
      readAhead.note(range, of: number, device, extents: extents)
      for extent in extents.extents { _ = try extent.bytes() }
      if settling { _ = settledUnits() }
    }

    /// The units decoded, once all that was ordered is done.
    func settledUnits() -> Set<UInt64> {
      var before = -1
      var quiet = 0
      while quiet < 20 {
        let now = fileSystem.decodeCounts.count
        quiet = now == before ? quiet + 1 : 0
        before = now
        usleep(5_000)
      }
      return Set(fileSystem.decodeCounts.keys)
    }
  }

  private final class MadeZeros: MadeDevice {
    var size: UInt64 { 1 << 30 }
    func read(_ count: Int, at offset: UInt64, into out: inout OutputRawSpan) throws(ReadError) {
      out.append(zeros: count)
    }
  }

  @Test func theRestOfAFileIsDecodedAhead() throws {
    let shelf = Shelf(files: 1, units: 400)
    let step = UInt64(Self.unitSize) * 2
    for position in stride(from: 0, to: step * 8, by: Int(step)) {
      try shelf.read(10, position..<(position + step), settling: true)
    }
    let units = shelf.settledUnits()
    #expect(units.isSuperset(of: (0..<40).map { 10_000 + $0 }), "the window grows")
    #expect(units.count < 300, "and stays within the limit at first")
    for position in stride(from: step * 8, to: step * 200, by: Int(step)) {
      try shelf.read(10, position..<(position + step))
    }
    #expect(shelf.settledUnits().count == 400)
    #expect(shelf.fileSystem.decodeCounts.values.allSatisfy { $0 == 1 }, "each once")
  }

  @Test func readsALittleOutOfOrderAreInOrder() throws {
    let shelf = Shelf(files: 1, units: 200)
    let step = UInt64(Self.unitSize)
    for pair in 0..<10 as Range<UInt64> {
      let position = pair * 2 * step
      try shelf.read(10, (position + step)..<(position + 2 * step))
      try shelf.read(10, position..<(position + step), settling: true)
    }
    #expect(shelf.settledUnits().count > 40)
  }

  @Test func randomReadsDecodeNothingElse() throws {
    let shelf = Shelf(files: 1, units: 200)
    var wanted: Set<UInt64> = []
    var random = SeededGenerator(seed: 7)
    for _ in 1..<40 {
      let unit = UInt64.random(in: 1..<200, using: &random)
      wanted.insert(10_000 + unit)
      try shelf.read(10, (unit * UInt64(Self.unitSize) + 4096)..<(unit * UInt64(Self.unitSize) + 8192))
    }
    #expect(shelf.settledUnits() == wanted)
  }

  @Test func whoGoesFromFileToFileFindsTheNextDecoded() throws {
    let shelf = Shelf(files: 60, units: 1)
    for file in 10..<14 as Range<UInt64> { try shelf.read(file, 0..<UInt64(Self.unitSize), settling: true) }
    let units = shelf.settledUnits()
    #expect(units.isSuperset(of: (10..<20).map { $0 * 1000 }), "\(units.count)")
    for file in 14..<70 as Range<UInt64> { try shelf.read(file, 0..<UInt64(Self.unitSize)) }
    #expect(shelf.settledUnits().count == 60)
    #expect(shelf.fileSystem.decodeCounts.values.allSatisfy { $0 == 1 })
  }

  @Test func oneFileDoesNotMeanTheNext() throws {
    let shelf = Shelf(files: 60, units: 2)
    try shelf.read(10, 0..<UInt64(Self.unitSize))
    #expect(shelf.settledUnits() == [10_000, 10_001])
    // Nor do files here and there.
    for file in [40, 20, 55] as [UInt64] { try shelf.read(file, 0..<UInt64(Self.unitSize) * 2) }
    #expect(shelf.settledUnits().count == 8)
  }

  @Test func withoutThreadsNothingIsDecodedAhead() throws {
    for shelf in [Shelf(files: 3, units: 10, threads: 0), Shelf(files: 3, units: 10, budget: 0)] {
      try shelf.read(10, 0..<UInt64(Self.unitSize))
      try shelf.read(10, UInt64(Self.unitSize)..<UInt64(Self.unitSize) * 2)
      #expect(shelf.settledUnits() == [10_000, 10_001])
    }
  }

  /// Whatever is asked for in whatever order by many: it ends, and the bytes are right.
  @Test func manyReaders() throws {
    let shelf = Shelf(files: 30, units: 8, budget: 8 << 20)
    DispatchQueue.concurrentPerform(iterations: 8) { reader in
      var random = SeededGenerator(seed: UInt64(reader))
      for _ in 0..<200 {
        let file = UInt64.random(in: 10..<40, using: &random)
        let start = UInt64.random(in: 0..<8, using: &random) * UInt64(Self.unitSize)
        #expect(throws: Never.self) { try shelf.read(file, start..<UInt64(8 * Self.unitSize)) }
      }
    }
  }
}
