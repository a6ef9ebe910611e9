import BlockDevices
import DiskImages
import DiskStack
import Foundation
import SystemPackage
import TestSupport
import Testing
import Volumes

/// What other programs and the kernel say of the same images.
@Suite(.serialized) struct KernelTests {
  static let disks = ["gpt", "mbr", "hybrid", "bsd", "apple", "other"].flatMap(Fixture.all(of:))

  private struct Loop {
    let device: String

    init(_ image: String, sectorSize: Int) throws {
      device = try runSuccessfully([
        "losetup", "--find", "--show", "--partscan", "--read-only", "--sector-size", "\(sectorSize)", image,
      ]).output.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    func detach() { _ = try? run(["losetup", "--detach", device]) }

    /// "number start size" in bytes, of each partition that the kernel made a device of.
    func partitions() throws -> [String] {
      let name = URL(fileURLWithPath: device).lastPathComponent
      let folder = "/sys/block/\(name)"
      func number(_ entry: String, _ file: String) throws -> UInt64 {
        let text = try String(contentsOfFile: "\(folder)/\(entry)/\(file)", encoding: .utf8)
        return try #require(UInt64(text.trimmingCharacters(in: .whitespacesAndNewlines)))
      }
      return try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasPrefix("\(name)p") }
        .map { (try number($0, "partition"), try number($0, "start") * 512, try number($0, "size") * 512) }
        .sorted { $0.0 < $1.0 }
        .map { "\($0.0) \($0.1) \($0.2)" }
    }
  }

  /// Cases in which the kernel is known to see something else, and why.
  private static let differs = [
    // The kernel reads no table that says "wrong", and no backup unless it is told to by `gpt` on its command line.
    "gpt/bad-primary-checksum", "gpt/bad-primary-entries", "gpt/bad-both-entries", "gpt/missing-primary",
    "gpt/only-backup", "gpt/no-protective-mbr", "gpt/longer-image-only-backup",
    // It makes no devices of what lies outside of the disk, and cuts what ends there.
    "gpt/beyond-end", "mbr/past-end", "mbr/chain-past-end",
    // It goes round a loop until its hundred links are used up.
    "mbr/chain-loop",
    // It has no driver for BSD labels outside of an MBR, and this one has none for Minix and Atari either.
    "bsd/bare", "bsd/in-mbr", "mbr/minix-subpartitions", "other/atari", "other/sgi", "other/sun", "apple/basic",
    // It gives the extended partition the size of a sector or two.
  ]

  /// Kernels of small virtual machines read no tables at all.
  private static let kernelReadsTables: Bool = {
    guard Privileges.hasKernelDriver else { return false }
    let reads = ["gpt", "mbr"].allSatisfy { format in
      guard let loop = try? Loop(Fixture(format, "basic").image(), sectorSize: 512) else { return false }
      defer { loop.detach() }
      return (try? loop.partitions().count) == 3
    }
    if !reads { print("this kernel reads no partition tables: comparisons with it are skipped") }
    return reads
  }()

  @Test(.enabled(if: kernelReadsTables), arguments: disks)
  func kernelSeesTheSamePartitions(fixture: Fixture) throws {
    let table = try DiskStack(opening: FilePath(fixture.image()), options: options(fixture)).table
    let loop = try Loop(fixture.image(), sectorSize: table?.sectorSize ?? 512)
    defer { loop.detach() }
    let kernels = try loop.partitions()
    if Self.differs.contains(fixture.description) && kernels.isEmpty { return }
    let ours = (table?.partitions ?? []).map { partition in
      // The kernel shows of an extended partition only the place of a boot loader.
      let size = partition.isContainer ? min(partition.size, 1024) : partition.size
      return "\(partition.number) \(partition.start) \(size)"
    }
    if Self.differs.contains(fixture.description) {
      // What it does see, we see, but for its sizes of what ends past the disk.
      let numbers = Set(ours.map { $0.prefix { $0 != " " } })
      #expect(kernels.allSatisfy { numbers.contains($0.prefix { $0 != " " }) } || fixture.name == "chain-loop")
    } else {
      #expect(ours == kernels)
    }
  }

  @Test(.enabled(if: Privileges.hasKernelDriver), arguments: [("gpt", "basic", 512), ("gpt", "sectors-4096", 4096)])
  func blockDeviceIsAsGoodAsAFile(format: String, name: String, sectorSize: Int) throws {
    let image = try Fixture(format, name).image()
    let loop = try Loop(image, sectorSize: sectorSize)
    defer { loop.detach() }
    let device = try DiskStack(opening: FilePath(loop.device))
    let file = try DiskStack(opening: FilePath(image))
    #expect(device.image.files.first?.kind == .blockDevice)
    #expect(device.table?.sectorSize == sectorSize)
    #expect(device.table?.notices == file.table?.notices)
    #expect(device.volumes.map(\.start) == file.volumes.map(\.start))
    #expect(device.volumes.map { $0.typeName } == file.volumes.map { $0.typeName })
    #expect(device.volumes.compactMap(\.fileSystem).count == file.volumes.compactMap(\.fileSystem).count)
  }

  private func options(_ fixture: Fixture) throws -> DiskStack.Options {
    var options = DiskStack.Options()
    options.sectorSize = try fixture.note("Sector size").flatMap { Int($0) }
    return options
  }

  private struct Sfdisk: Decodable {
    struct Table: Decodable {
      let label: String
      let id: String?
      let partitions: [Entry]?
    }
    struct Entry: Decodable {
      let node: String
      let start: UInt64
      let size: UInt64
      let type: String
      let uuid: String?
      let name: String?
    }
    let partitiontable: Table
  }

  /// sfdisk has its own reader of every table.
  @Test(arguments: disks.filter { !["apple/basic", "gpt/names"].contains($0.description) })
  func sfdiskSaysTheSame(fixture: Fixture) throws {
    let image = try fixture.image()
    let result = try run(["sfdisk", "--json", image])
    guard result.succeeded, let table = try DiskStack(opening: FilePath(image), options: options(fixture)).table else {
      return
    }
    let sfdisk = try JSONDecoder().decode(Sfdisk.self, from: Data(result.output.utf8)).partitiontable
    guard sfdisk.label == table.type, table.sectorSize == 512 else { return }
    #expect(sfdisk.id?.lowercased().replacingOccurrences(of: "0x", with: "") == table.uuid || table.uuid == nil)
    // Labels inside of partitions, and a chain that is broken off or a loop, are each program's own affair.
    let known = table.partitions.filter { partition in
      partition.parent == nil || table.partitions.contains { $0.number == partition.parent && $0.isContainer }
    }
    if ["chain-loop", "chain-past-end"].contains(fixture.name) { return }
    let ours = known.map { "\($0.number) \($0.start / 512) \($0.size / 512) \($0.label ?? "")" }
    let theirs = (sfdisk.partitions ?? []).filter { $0.size > 0 }.map { entry in
      let number = String(entry.node.dropFirst(image.count)).filter(\.isNumber)
      return "\(number) \(entry.start) \(entry.size) \(entry.name ?? "")"
    }
    if ["bsd", "sun"].contains(table.type) {
      // There one entry stands for the whole disk: no partition to the kernel and libblkid.
      #expect(theirs.filter { !ours.contains($0) }.allSatisfy { $0.split(separator: " ")[1] == "0" })
      #expect(ours.allSatisfy(theirs.contains))
    } else {
      #expect(ours == theirs)
    }
  }

  /// blkid names each volume as it names the same bytes cut out.
  @Test(arguments: [Fixture("gpt", "contents"), Fixture("gpt", "basic"), Fixture("mbr", "basic")])
  func blkidSaysTheSame(fixture: Fixture) throws {
    let image = try fixture.image()
    for volume in try DiskStack(opening: FilePath(image)).volumes {
      let output = try run([
        "blkid", "-p", "-o", "export", "-O", "\(volume.start)", "-S", "\(volume.device.size)", image,
      ]).output
      let facts = Dictionary(
        output.split(separator: "\n").map { line in
          let parts = line.split(separator: "=", maxSplits: 1).map(String.init)
          return (parts[0], parts.count > 1 ? parts[1] : "")
        }, uniquingKeysWith: { first, _ in first })
      #expect(volume.typeName == facts["TYPE"])
      #expect(volume.uuid == facts["UUID"])
      #expect(volume.label.map { String(decoding: $0, as: UTF8.self) } == facts["LABEL"])
    }
  }
}
