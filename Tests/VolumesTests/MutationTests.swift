import BlockDevices
import Bytes
import SystemPackage
import TestSupport
import Testing
import Volumes

/// An image in memory with some bytes changed, or cut short.
private final class MutatedDevice: MadeDevice {
  private let contents: [UInt8]
  var size: UInt64 { UInt64(contents.count) }

  init(_ contents: [UInt8]) { self.contents = contents }

  func read(_ count: Int, at offset: UInt64, into out: inout OutputRawSpan) throws(ReadError) {
    guard contains(UInt64(count), at: offset) else { throw .truncated("data", at: offset) }
    // A class cannot lend its array's bytes.
    let contents = contents
    out.append(contentsOf: try contents.rawSpan.slice(Int(offset), count: count))
  }
}

/// Whatever stands in a table: reading it ends, in order, with partitions whose places can be reckoned with.
@Suite struct MutationTests {
  private func check(_ layout: DiskLayout, _ context: String) {
    guard let table = layout.table else { return }
    #expect(table.partitions.count <= DiskLayout.partitionLimit, "\(context)")
    for partition in table.partitions {
      #expect(!partition.start.addingReportingOverflow(partition.size).overflow, "\(context)")
    }
    #expect(table.partitions.map(\.number) == table.partitions.map(\.number).sorted(), "\(context)")
  }

  @Test(arguments: [
    Fixture("gpt", "basic"), Fixture("gpt", "sectors-4096"), Fixture("mbr", "logical"), Fixture("mbr", "chain-loop"),
    Fixture("bsd", "bare"), Fixture("bsd", "in-mbr"), Fixture("hybrid", "gpt-mbr"), Fixture("apple", "basic"),
  ])
  func flippedBytes(fixture: Fixture) throws {
    let file = try HostFile(opening: FilePath(fixture.image()))
    let original = try file.bytes(Int(file.size), at: 0)
    // Where tables are: the used sectors of the head, the last 17 KiB, and every sector that ends as an EBR does.
    var places = Array(0..<min(2048, original.count)) + Array(max(0, original.count - 17408)..<original.count)
    for sector in stride(from: 512, to: original.count - 512, by: 512)
    where original[sector + 510] == 0x55 && original[sector + 511] == 0xAA {
      places += Array(sector + 440..<sector + 512)
    }
    let rounds = Privileges.runsLongTests ? 2000 : 150
    let seed = UInt64.random(in: 0...UInt64.max)
    var random = SeededGenerator(seed: seed)
    for round in 0..<rounds {
      var bytes = original
      for _ in 0..<Int(1 + random.next() % 4) {
        let place = places[Int(random.next() % UInt64(places.count))]
        switch random.next() % 3 {
        case 0: bytes[place] = UInt8(truncatingIfNeeded: random.next())
        case 1: bytes[place] ^= 1 << UInt8(random.next() % 8)
        default:
          for next in place..<min(place + 4, bytes.count) { bytes[next] = random.next() % 2 == 0 ? 0xFF : 0 }
        }
      }
      let layout = try DiskLayout(of: MutatedDevice(bytes), sectorSize: nil, nativeSectorSize: 512)
      check(layout, "\(fixture), seed \(seed), round \(round)")
    }
  }

  /// Cut at every length that matters, and at some that do not.
  @Test(arguments: [Fixture("gpt", "basic"), Fixture("gpt", "sectors-4096"), Fixture("mbr", "logical")])
  func cutShort(fixture: Fixture) throws {
    let file = try HostFile(opening: FilePath(fixture.image()))
    let original = try file.bytes(Int(file.size), at: 0)
    let lengths =
      [1, 2, 92, 445, 511, 512, 513, 600, 1023, 1024, 1025, 4095, 4096, 8191, 8192, 16384, 17407, 17408, 24576, 40959]
      + stride(from: 65536, to: original.count, by: 655_360 + 131)
    for length in lengths {
      let layout = try DiskLayout(
        of: MutatedDevice(Array(original.prefix(length))), sectorSize: nil, nativeSectorSize: 512)
      check(layout, "\(fixture) cut to \(length)")
      // With its header and all of its entries, every partition is still told of.
      if fixture.name == "basic", length >= 17408 { #expect(layout.table?.partitions.count == 3, "cut to \(length)") }
      if fixture.name == "basic", length == 1024 + 128 { #expect(layout.table?.partitions.count == 1) }
    }
  }
}
