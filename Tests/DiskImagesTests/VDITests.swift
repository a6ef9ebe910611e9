import BlockDevices
import Bytes
import DiskImages
import Foundation
import SystemPackage
import TestSupport
import Testing

/// VDI images: of qemu-img, and made by hand for what qemu does not make.
@Suite struct VDITests {
  private let scratch: ImageScratch
  init() throws { scratch = try ImageScratch() }

  private static let parentID = "11111111-0000-4000-8000-00000000000a"

  private func vdi(_ kind: String, _ raw: String, _ output: String, _ options: String...) throws {
    try scratch.make(by: "vdi/vdi.py", [kind, raw, output] + options)
  }

  // MARK: Against qemu

  @Test(arguments: ["static=off", "static=on"], [9_437_696, 4 << 20])
  func readsWhatQemuWrites(options: String, size: UInt64) throws {
    let path = scratch.path("disk.vdi")
    try runSuccessfully(["qemu-img", "create", "-q", "-f", "vdi", "-o", options, path, "\(size)"])
    try scratch.write(20, to: "disk.vdi", format: "vdi", size: size, seed: 20)
    try compareWithQemu(path, seed: 21)
    let image = try scratch.open("disk.vdi")
    #expect(image.format == .vdi)
    #expect(image.summary.variant == (options == "static=on" ? "fixed, version 1.1" : "dynamic, version 1.1"))
    #expect(image.summary.creator == "QEMU VM Virtual Disk Image")
    #expect(image.summary.notices == [])
    #expect(image.disk.size == size)
  }

  @Test func oddSizesAreRoundedUp() throws {
    _ = try scratch.disk("raw", size: (3 << 20) + 512, seed: 4)
    try vdi("dynamic", "raw", "disk.vdi", "--size", "\((3 << 20) + 100)")
    #expect(try scratch.open("disk.vdi").disk.size == (try scratch.qemuSize("disk.vdi", format: "vdi")))
    try scratch.check("disk.vdi", holds: "raw")
  }

  // MARK: Made by hand

  @Test(arguments: ["0x10001", "0x2"], ["dynamic", "fixed"])
  func versionsAndBlockSizes(version: String, kind: String) throws {
    _ = try scratch.disk("raw", size: (3 << 20) + 1536, seed: 5)
    for (blockSize, extra) in [("4096", "0"), ("65536", "512"), ("1048576", "4096"), ("8388608", "0")] {
      let extra = version == "0x2" ? "0" : extra
      try vdi(kind, "raw", "disk.vdi", "--version", version, "--block-size", blockSize, "--extra", extra)
      try scratch.check("disk.vdi", holds: "raw")
      #expect(try scratch.open("disk.vdi").summary.clusterSize == UInt64(blockSize))
    }
  }

  @Test(arguments: ["differencing", "undo"])
  func parentsAreFoundByUUID(kind: String) throws {
    let base = try scratch.disk("base", size: (3 << 20) + 512, pieces: 8, seed: 61)
    _ = try scratch.disk("raw", size: 5 << 20, over: base, pieces: 8, seed: 62)
    try vdi("dynamic", "base", "some name.VDI", "--uuid", Self.parentID)
    try vdi("dynamic", "base", "another.vdi")
    try Data("no image".utf8).write(to: URL(fileURLWithPath: scratch.path("a text.vdi")))
    try vdi(
      kind, "raw", "child.vdi", "--base", "base", "--block-size", "65536", "--parent-uuid", Self.parentID,
      "--parent-modification-uuid", "00112233-4455-6677-8899-000000000001")
    try scratch.check("child.vdi", holds: "raw")
    let image = try scratch.open("child.vdi")
    #expect(image.summary.parentName == Self.parentID)
    #expect(image.parent?.summary.uuid == Self.parentID)
    #expect(image.parent?.path.lastComponent?.string == "some name.VDI")
    #expect(image.allNotices == [])
  }
}
