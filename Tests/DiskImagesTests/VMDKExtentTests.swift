import BlockDevices
import Bytes
@testable import DiskImages
import Foundation
import SystemPackage
import TestSupport
import Testing

/// Sparse extents that qemu-img reads and does not make, and damage to sparse extents.
@Suite struct VMDKExtentTests {
  private let folder: TemporaryDirectory
  init() throws { folder = try TemporaryDirectory() }

  private func path(_ name: String) -> String { folder.path + "/" + name }

  private func open(_ name: String, _ options: ImageOptions = ImageOptions()) throws(ImageError) -> DiskImage {
    try DiskImage(opening: FilePath(path(name)), options: options)
  }

  /// Writes a raw disk with data in every third grain of 4 KiB, and an extent of it.
  private func make(_ kind: String, sectors: Int, seed: UInt64 = 1, _ options: String...) throws -> [UInt8] {
    var random = SeededGenerator(seed: seed)
    var raw = [UInt8](repeating: 0, count: sectors * 512)
    for start in stride(from: 0, to: raw.count, by: 4096) where UInt8.random(in: 0..<3, using: &random) == 0 {
      for index in start..<min(start + 4096, raw.count) { raw[index] = UInt8(truncatingIfNeeded: (index &* 31) >> 7) }
      raw[start] = 1
    }
    try Data(raw).write(to: URL(fileURLWithPath: path("raw")))
    let script = Fixture.directory.appendingPathComponent("vmdk/extents.py").path
    try runSuccessfully(["python3", script, kind, path("raw"), path("extent.vmdk")] + options)
    return raw
  }

  private func descriptor(_ type: String, sectors: Int) -> String {
    VMDKDescriptorTests.head.replacing("custom", with: type == "SESPARSE" ? "seSparse" : "vmfsSparse")
      + "RW \(sectors) \(type) \"extent.vmdk\"\n"
  }

  private static func embedded(_ sectors: Int) -> String {
    "descriptor="
      + (VMDKDescriptorTests.head + "RW \(sectors) SPARSE \"extent.vmdk\"\n").replacing("\n", with: "|")
      .replacing("custom", with: "monolithicSparse")
  }

  /// Changes bytes of the extent.
  private func poke(_ offset: Int, _ bytes: [UInt8]) throws {
    let file = try FileHandle(forUpdating: URL(fileURLWithPath: path("extent.vmdk")))
    try file.seek(toOffset: UInt64(offset))
    try file.write(contentsOf: Data(bytes))
    try file.close()
  }

  private func le(_ value: UInt64, _ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * UInt64($0))) }
  }

  private func contents() throws -> [UInt8] { Array(try Data(contentsOf: URL(fileURLWithPath: path("extent.vmdk")))) }

  @Test(arguments: [
    ("cowd", "VMFSSPARSE", ["grain=1"]), ("cowd", "VMFSSPARSE", ["grain=64"]), ("sesparse", "SESPARSE", ["zero=5-900"]),
  ])
  func extentsOfESXAreReadAsQemuReadsThem(kind: String, type: String, options: [String]) throws {
    for sectors in [40000, 9, 4096 * 8 + 1] {
      let raw = try make(kind, sectors: sectors, seed: UInt64(sectors), options[0])
      try Data(descriptor(type, sectors: sectors).utf8).write(to: URL(fileURLWithPath: path("disk.vmdk")))
      try compareWithQemu(path("disk.vmdk"))
      #expect(try open("disk.vmdk").disk.bytes(raw.count, at: 0) == raw)
      // Without its descriptor, the extent says which it is.
      let alone = try open("extent.vmdk")
      #expect(alone.allNotices.count == 1 && alone.allNotices[0].contains("is one extent of a disk"))
      #expect(try alone.disk.bytes(raw.count, at: 0) == raw)
    }
  }

  @Test(arguments: ["stream", "hosted"], [8, 128])
  func extentsOfHostsAreReadAsQemuReadsThem(kind: String, grain: Int) throws {
    for (sectors, last) in [(40001, "full"), (40001, "short"), (3, "short"), (512 * grain, "full")] {
      let raw = try make(
        kind, sectors: sectors, seed: UInt64(sectors), "grain=\(grain)", "last=\(last)", Self.embedded(sectors))
      try compareWithQemu(path("extent.vmdk"))
      let image = try open("extent.vmdk")
      #expect(try image.disk.bytes(raw.count, at: 0) == raw)
      #expect(image.allNotices.isEmpty)
    }
  }

  @Test func theNameOfTheDescriptorIsGuessed() {
    #expect(VMDK.descriptorName(ofExtent: "disk-s003.vmdk") == "disk.vmdk")
    #expect(VMDK.descriptorName(ofExtent: "disk-000002-delta.vmdk") == "disk-000002.vmdk")
    #expect(VMDK.descriptorName(ofExtent: "disk-000002-sesparse.vmdk") == "disk-000002.vmdk")
    #expect(VMDK.descriptorName(ofExtent: "disk-sata.vmdk") == "its descriptor")
    #expect(VMDK.descriptorName(ofExtent: "disk") == "its descriptor")
  }

  @Test(
    arguments: [
      (4, [4, 0, 0, 0], 69, "uses version 4 of the VMDK header"), (4, [0, 0, 0, 0], 69, "uses version 0"),
      (10, [4, 0], 69, "unknown feature 0x40000"), (77, [2, 0], 69, "compressed by method 2"),
      (10, [1, 0], 65, "compressed, and by no method"), (75, [10], 65, "took it for text"),
      (12, [0, 0, 0, 0, 0, 0, 0, 0x80], 65, "than there can be"), (20, [0], 65, "grains of 0 sectors"),
      (20, [9], 65, "grains of 9 sectors"), (24, [1], 65, "grains of"),
      (44, [0, 0, 0, 0], 65, "grain tables of 0 entries"),
      (44, [0, 0, 0, 1], 65, "grain tables of 16777216 entries"),
      (28, [0, 0, 0, 0, 0, 1], 65, "lies past the end"), (36, [0, 0, 0, 1], 65, "has a descriptor of"),
      (28, [0, 0, 0, 0, 0, 0, 0, 0x80], 65, "corrupt descriptor"), (28, [0, 0x10], 65, "without anything"),
    ] as [(Int, [UInt8], Int32, String)])
  func damageToTheHeaderIsNamed(offset: Int, bytes: [UInt8], status: Int32, text: String) throws {
    _ = try make("hosted", sectors: 4000, Self.embedded(4000))
    try Data([UInt8](repeating: 0, count: 4 << 20)).write(to: URL(fileURLWithPath: path("tail")))
    try runSuccessfully(["sh", "-c", "cat \(path("tail")) >>\(path("extent.vmdk"))"])
    try poke(offset, bytes)
    let error = try #require(throws: ImageError.self) { try open("extent.vmdk") }
    #expect(error.exitStatus == status, "\(error.text)")
    #expect(error.text.contains(text), "\(error.text)")
  }

  @Test(
    arguments: [
      ("cowd", 4, [2], 69, "version 2 of the COWD"), ("cowd", 24, [0], 65, "grain directory of 0 entries"),
      ("cowd", 20, [0xFF, 0xFF], 65, "past the end"), ("cowd", 20, [0], 65, "corrupt grain directory"),
      ("cowd", 16, [3], 65, "grains of 3"), ("sesparse", 8, [9], 69, "version 2.9 of seSparse"),
      ("sesparse", 24, [16], 69, "grains of 16"), ("sesparse", 40, [1], 69, "unknown feature 0x1"),
      ("sesparse", 72, [1], 69, "reserved"), ("sesparse", 136, [0], 65, "too small"),
      ("sesparse", 512, [0], 65, "damaged volatile header"), ("sesparse", 536, [1], 69, "was not closed cleanly"),
      ("sesparse", 128, [0, 0, 0, 0, 0, 0, 0, 0xF0], 65, "corrupt grain directory"),
    ] as [(String, Int, [UInt8], Int32, String)])
  func damageToHeadersOfESXIsNamed(kind: String, offset: Int, bytes: [UInt8], status: Int32, text: String) throws {
    _ = try make(kind, sectors: 40000, "grain=1")
    try poke(offset, bytes)
    let error = try #require(throws: ImageError.self) { try open("extent.vmdk") }
    #expect(error.exitStatus == status, "\(error.text)")
    #expect(error.text.contains(text), "\(error.text)")
  }

  @Test func damagedEntriesOfSeSparseAreErrorsThereAlone() throws {
    let raw = try make("sesparse", sectors: 40000)
    // Entries: of an unknown kind; of a grain past the end; nothing, with a number. The header is 4 sectors long, the
    // directory one.
    let table = 5 * 512
    let entries: [UInt64] = [7 << 60, 3 << 60 | 1 << 40, 5, 3 << 60 | 0x0FFF_FFFF_FFFF_FFFF]
    for (index, entry) in entries.enumerated() {
      try poke(table + index * 8, le(entry, 8))
    }
    let disk = try open("extent.vmdk").disk
    for index in 0..<4 { #expect(throws: ReadError.self) { try disk.bytes(1, at: UInt64(index) * 4096 + 4095) } }
    #expect(try disk.bytes(1 << 20, at: 16384) == Array(raw[16384..<(16384 + 1 << 20)]))
    // A directory's entry of an unknown kind.
    try poke(4 * 512, le(2 << 60, 8))
    #expect(throws: ReadError.self) { try open("extent.vmdk").disk.bytes(1, at: 20000) }
  }

  @Test func aDirtyExtentIsSaidToBe() throws {
    _ = try make("hosted", sectors: 4000, Self.embedded(4000))
    try poke(72, [1])
    let image = try open("extent.vmdk")
    #expect(image.summary.isDirty)
    #expect(image.allNotices == ["was not closed cleanly by the program that wrote it"])
  }

  @Test func theCopyOfTheDirectoryIsUsed() throws {
    let raw = try make("hosted", sectors: 40000, "grain=8", "zero=7-20", Self.embedded(40000))
    let bytes = try contents()
    let directory = Int(try bytes.rawSpan.le64(56)) * 512
    let table = Int(try bytes.rawSpan.le32(directory)) * 512
    func check(_ notice: String?) throws {
      let image = try open("extent.vmdk")
      #expect(try image.disk.bytes(raw.count, at: 0) == raw)
      #expect(image.allNotices.first.map { $0.contains(notice ?? "nothing") } ?? (notice == nil), "\(image.allNotices)")
    }
    // Entries of a table, past the end and into the header; the directory's own; and where the directory is.
    try poke(table + 12, [0xFF, 0xFF, 0xFF, 0x7F])
    let entry = Int(try bytes.rawSpan.le32(table + 12))
    #expect(entry != 0xFFFF)
    try check(nil)
    try poke(directory, [0xFF, 0xFF, 0xFF, 0x7F])
    try check("has a damaged grain directory")
    try poke(directory + 4, Array(bytes[(directory + 8)..<(directory + 12)]))
    try check("has a damaged grain directory")
    try poke(56, [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F])
    try check("has lost its grain directory")
    // Now with the copy damaged, too.
    let copy = Int(try bytes.rawSpan.le64(48)) * 512
    try poke(copy + 4, [0xFF, 0xFF, 0xFF, 0x7F])
    let disk = try open("extent.vmdk").disk
    #expect(throws: ReadError.self) { try disk.bytes(1, at: 512 * 4096) }
    #expect(try disk.bytes(4096, at: 0) == Array(raw[..<4096]))
  }

  @Test func whatIsCutOffIsNoZeros() throws {
    _ = try make("hosted", sectors: 4000, Self.embedded(4000))
    let whole = try contents()
    let raw = try open("extent.vmdk").disk
    try runSuccessfully(["truncate", "-s", "-3000", path("extent.vmdk")])
    let disk = try open("extent.vmdk").disk
    var failures = 0
    for start in stride(from: UInt64(0), to: disk.size, by: 4096) {
      let count = Int(min(4096, disk.size - start))
      guard let bytes = try? disk.bytes(count, at: start) else {
        failures += 1
        continue
      }
      #expect(try bytes == raw.bytes(count, at: start))
    }
    #expect(failures == 1 && whole.count > 3000)
  }

  @Test func aReadCostsOneReadOfATable() throws {
    try runSuccessfully(["qemu-img", "create", "-q", "-f", "vmdk", path("disk.vmdk"), "100G"])
    let file = try HostFile(opening: FilePath(path("disk.vmdk")))
    let counting = CountingDevice(file)
    let image = try DiskImage(in: counting, path: FilePath(path("disk.vmdk")))
    var random = SeededGenerator(seed: 4)
    for _ in 0..<50 {
      counting.reset()
      let place = UInt64.random(in: 0..<(image.disk.size - 4096), using: &random) & ~4095
      #expect(try image.disk.bytes(4096, at: place) == [UInt8](repeating: 0, count: 4096))
      #expect(counting.readCount <= 1)
    }
  }
}
