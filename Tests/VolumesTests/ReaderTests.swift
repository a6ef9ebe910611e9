import BlockDevices
import Bytes
import SystemPackage
import TestSupport
import Testing

@testable import Volumes

/// The readers of our own against libblkid, on every fixture that libblkid reads.
@Suite struct ReaderTests {
  static let tables = ["gpt", "mbr", "hybrid", "truncated", "bsd"].flatMap(Fixture.all(of:))

  private func facts(_ partitions: [Partition]) -> [String] {
    partitions.map {
      "\($0.number) \($0.start) \($0.size) \($0.typeCode) \($0.uuid ?? "-") \($0.label ?? "-") \($0.flags) "
        + "\($0.isContainer) \($0.parent ?? 0) \($0.typeName ?? "-")"
    }
  }

  @Test(arguments: tables)
  func gptReaderEqualsLibblkid(fixture: Fixture) throws {
    let disk = try HostFile(opening: FilePath(fixture.image()))
    let sectorSize = GPT.sectorSize(on: disk, candidates: [512, 4096], protectiveSectors: nil) ?? 512
    guard let found = BlkidProbe(disk, sectorSize: sectorSize)?.table(), found.type == "gpt" else { return }
    guard case .table(let own)? = GPT.read(disk, sectorSize: sectorSize, protectiveSectors: nil) else {
      Issue.record("libblkid reads a GPT where our reader does not")
      return
    }
    #expect(own.uuid == found.uuid)
    // libblkid leaves out what lies outside of the disk, and writes a lone surrogate as it is.
    let inside = own.partitions.filter {
      $0.start >= own.usable.lowerBound && $0.start + $0.size <= own.usable.upperBound
    }
    func withoutOddNames(_ partitions: [Partition]) -> [Partition] {
      partitions.map {
        var partition = $0
        if partition.label?.contains("\u{FFFD}") == true { partition.label = "odd" }
        return partition
      }
    }
    #expect(facts(withoutOddNames(inside)) == facts(withoutOddNames(found.partitions)))
  }

  @Test(arguments: tables)
  func mbrReaderEqualsLibblkid(fixture: Fixture) throws {
    let disk = try HostFile(opening: FilePath(fixture.image()))
    let sectorSize = try fixture.note("Sector size").flatMap { Int($0) } ?? 512
    guard let found = BlkidProbe(disk, sectorSize: sectorSize)?.table(), found.type == "dos" else { return }
    let bytes = try disk.bytes(512, at: 0)
    let sector = try MBRSector(parsing: bytes.rawSpan)
    let own = MBR.read(disk, first: sector, sectorSize: sectorSize)
    #expect(own.uuid == found.uuid)
    // What labels inside of partitions list is libblkid's alone.
    let listed = found.partitions.filter { partition in
      partition.parent == nil || found.partitions.contains { $0.number == partition.parent && $0.isContainer }
    }
    #expect(facts(own.partitions).sorted() == facts(listed).sorted())
  }

  /// A device that is not a part of a host file is shown to libblkid by way of a copy of its ends.
  @Test(arguments: tables + ["apple", "other", "bare"].flatMap(Fixture.all(of:)))
  func copyInMemoryGivesTheSame(fixture: Fixture) throws {
    let file = try HostFile(opening: FilePath(fixture.image()))
    let sectorSize = try fixture.note("Sector size").flatMap { Int($0) }
    let direct = try DiskLayout(of: file, sectorSize: sectorSize, nativeSectorSize: 512)
    let copied = try DiskLayout(of: CountingDevice(file), sectorSize: sectorSize, nativeSectorSize: 512)
    #expect(direct.table?.type == copied.table?.type)
    #expect(direct.table?.uuid == copied.table?.uuid)
    #expect(direct.table?.notices == copied.table?.notices)
    #expect(direct.notices == copied.notices)
    // Labels inside of partitions lie behind the copied head of a large disk; these are small enough.
    #expect(facts(direct.table?.partitions ?? []) == facts(copied.table?.partitions ?? []))
    #expect(direct.contents.typeList == copied.contents.typeList)
  }

  @Test func filesystemBootSectorsAreNoTables() throws {
    let file = try HostFile(opening: FilePath(Fixture("bare", "vfat").image()))
    let sector = try file.bytes(512, at: 0)
    let isBootSector = MBR.isFilesystemBootSector(sector.rawSpan)
    #expect(isBootSector)
    let layout = try DiskLayout(of: file, sectorSize: nil, nativeSectorSize: 512)
    #expect(layout.table == nil)
    #expect(layout.contents.signature?.type == "vfat")
  }

  /// The GUIDs that util-linux knows, by its own list, have the same meaning here.
  @Test func typeNamesAgreeWithSfdisk() throws {
    let list = try runSuccessfully(["sfdisk", "-T", "-X", "gpt"]).output.split(separator: "\n")
    var known = 0
    for line in list {
      let parts = line.split(separator: " ", maxSplits: 1)
      guard parts.count == 2, parts[0].count == 36, let name = PartitionTypes.name(ofGUID: String(parts[0])) else {
        continue
      }
      known += 1
      let theirs = parts[1].lowercased(), ours = name.lowercased()
      #expect(
        theirs.split(separator: " ").contains { ours.contains($0.trimmingCharacters) },
        "\(parts[0]): \(theirs) there, \(ours) here")
    }
    #expect(known > 100)
  }
}

extension Substring {
  fileprivate var trimmingCharacters: String { filter { $0.isLetter || $0.isNumber || $0 == "-" } }
}
