import BlockDevices
import Bytes
import FileSystems
import TestSupport
import Testing

/// What holds of every file's extents, whatever the file: asked over random ranges with random limits.
@Suite struct ExtentPropertyTests {
  static let fixtures = Fixture.fileSystems.filter { fixture in !fixture.isMadeByTests }

  @Test(arguments: fixtures)
  func extentsAreContiguousAndCover(_ fixture: Fixture) throws {
    guard let fileSystem = try? openFileSystem(in: fixture.image()) else {
      try #require(fixture.isHostile)
      return
    }
    let seed = UInt64.random(in: 0 ... .max)
    var generator = SeededGenerator(seed: seed)
    for file in regularFiles(of: fileSystem, limit: 60) where file.attributes.size > 0 {
      for _ in 0..<6 {
        let range = generator.range(in: file.attributes.size, largest: 3_000_000)
        var extents = ExtentList(limit: Int.random(in: 1...5, using: &generator))
        var position = range.lowerBound
        var rounds = 0
        walking: while position < range.upperBound, rounds < 200 {
          rounds += 1
          extents.removeAll()
          do {
            try fileSystem.map(file.node, position..<range.upperBound, into: &extents)
          } catch {
            #expect(fixture.isHostile || error.cause == .encrypted, "\(fixture)\(file.path): \(error)")
            break walking
          }
          let note: Comment = "\(fixture)\(file.path) \(position)..<\(range.upperBound) seed \(seed)"
          try #require(extents.length > 0, note)
          #expect(extents.extents.count <= extents.limit, note)
          #expect(extents.extents.reduce(0) { $0 + $1.length } == extents.length, note)
          #expect(extents.isFull || position + extents.length == range.upperBound, note)
          #expect(position + extents.length <= range.upperBound, note)
          for extent in extents.extents {
            switch extent.kind {
            case .mapped(let source, let offset):
              let sources = fileSystem.sources
              try #require(sources.indices.contains(source), note)
              // An image cut short names what is missing; it then fails to read.
              #expect(fixture.isHostile || sources[source].contains(extent.length, at: offset), note)
            case .encoded(let unit, let skip):
              #expect(skip >= 0 && UInt64(skip) + extent.length <= UInt64(unit.size), note)
            case .hole, .unwritten: break
            }
          }
          position += extents.length
        }
      }
    }
  }

  @Test(arguments: fixtures)
  func readingByExtentsEqualsRead(_ fixture: Fixture) throws {
    guard let fileSystem = try? openFileSystem(in: fixture.image()) else {
      try #require(fixture.isHostile)
      return
    }
    let seed = UInt64.random(in: 0 ... .max)
    var generator = SeededGenerator(seed: seed)
    for file in regularFiles(of: fileSystem, limit: 40) where file.attributes.size > 0 {
      let device = try fileSystem.file(file.node)
      for _ in 0..<4 {
        let range = generator.range(in: file.attributes.size, largest: 200_000)
        let count = Int(range.upperBound - range.lowerBound)
        // A file that cannot be read fails in either way.
        let whole = try? device.bytes(count, at: range.lowerBound)
        let pieces = try? Self.bytesByHostExtents(of: device, range, limit: Int.random(in: 1...4, using: &generator))
        #expect(whole == pieces, "\(fixture)\(file.path) \(range) seed \(seed)")
      }
    }
  }

  /// The bytes as a mount gets them: by the places on the host that `resolve` tells.
  private static func bytesByHostExtents(
    of device: any BlockDevice, _ range: Range<UInt64>, limit: Int
  ) throws -> [UInt8] {
    var bytes: [UInt8] = []
    var list = HostExtentList(limit: limit)
    while UInt64(bytes.count) < range.upperBound - range.lowerBound {
      list.removeAll()
      let position = range.lowerBound + UInt64(bytes.count)
      try device.resolve(position..<range.upperBound, into: &list)
      try #require(list.length > 0)
      for extent in list.extents {
        bytes += try extent.bytes()
      }
    }
    return bytes
  }
}
