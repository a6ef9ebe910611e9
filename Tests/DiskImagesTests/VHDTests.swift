import BlockDevices
import Bytes
import DiskImages
import Foundation
import SystemPackage
import TestSupport
import Testing

/// VHD images: of qemu-img, and made by hand for what qemu does not make.
@Suite struct VHDTests {
  private let scratch: ImageScratch
  init() throws { scratch = try ImageScratch() }

  private static let parentID = "11111111-0000-4000-8000-00000000000a"

  private func vhd(_ kind: String, _ raw: String, _ output: String, _ options: String...) throws {
    try scratch.make(by: "vhd/vhd.py", [kind, raw, output] + options)
  }

  // MARK: Against qemu

  @Test(arguments: [
    "subformat=fixed", "subformat=dynamic", "subformat=fixed,force_size=on", "subformat=dynamic,force_size=on",
  ])
  func readsWhatQemuWrites(options: String) throws {
    let path = scratch.path("disk.vhd")
    try runSuccessfully(["qemu-img", "create", "-q", "-f", "vpc", "-o", options, path, "9437696"])
    try scratch.write(30, to: "disk.vhd", format: "vpc", size: 9_437_696, seed: 20)
    try compareWithQemu(path, arguments: ["-f", "vpc"], seed: 21)
    let image = try scratch.open("disk.vhd")
    #expect(image.format == .vpc)
    #expect(image.summary.variant == (options.contains("fixed") ? "fixed" : "dynamic"))
    #expect(image.summary.creator == "QEMU 5.3")
    #expect(image.summary.notices == [])
    #expect(image.disk.size == (try scratch.qemuSize("disk.vhd", format: "vpc")))
    let age = Date.now.timeIntervalSince1970 - Double(image.summary.created ?? 0)
    #expect(abs(age) < 600)
  }

  /// Which creators go by the geometry and which by the current size.
  @Test(arguments: ["vpc ", "qemu", "qem2", "win ", "d2v ", "CTXS", "tap", "vs  ", "????"], [false, true])
  func sizeIsAsQemuHasIt(creator: String, hasFullGeometry: Bool) throws {
    _ = try scratch.disk("raw", size: 10 << 20, seed: 1)
    let geometry = hasFullGeometry ? ["65535", "16", "255"] : ["300", "4", "17"]
    for kind in ["fixed", "dynamic"] {
      try vhd(
        kind, "raw", "\(kind).vhd", "--creator", creator, "--full-bitmaps", "--geometry", geometry[0], geometry[1],
        geometry[2])
      let image = try scratch.open("\(kind).vhd")
      #expect(image.format == .vpc)
      #expect(image.disk.size == (try scratch.qemuSize("\(kind).vhd", format: "vpc")))
      #expect(image.summary.notices.isEmpty == (image.disk.size == 10 << 20))
      try compareWithQemu(scratch.path("\(kind).vhd"), arguments: ["-f", "vpc"])
    }
  }

  // MARK: Blocks and bitmaps

  @Test(arguments: [512, 4096, 8192, 65536, 1 << 20, 2 << 20, 64 << 20, 256 << 20])
  func clearBitsReadAsZeros(blockSize: Int) throws {
    let size = blockSize > 2 << 20 ? 40 << 20 : (5 << 20) + 1536
    _ = try scratch.disk("raw", size: size, seed: UInt64(blockSize))
    try vhd("dynamic", "raw", "disk.vhd", "--block-size", "\(blockSize)", "--backwards")
    try scratch.check("disk.vhd", holds: "raw", seed: UInt64(blockSize))
    let image = try scratch.open("disk.vhd")
    #expect(image.summary.clusterSize == UInt64(blockSize))
    #expect(try #require(image.summary.allocatedSize) <= image.disk.size)
  }

  @Test(arguments: [4096, 65536, 2 << 20])
  func clearBitsAreTheParents(blockSize: Int) throws {
    // The child is larger than its parent: what is behind the parent's end is zeros.
    let base = try scratch.disk("base", size: (5 << 20) + 512, seed: 7)
    _ = try scratch.disk("raw", size: 7 << 20, over: base, seed: UInt64(blockSize))
    try vhd("dynamic", "base", "parent.vhd", "--uuid", Self.parentID)
    try vhd(
      "differencing", "raw", "child.vhd", "--base", "base", "--block-size", "\(blockSize)", "--parent-uuid",
      Self.parentID, "--locator", "W2ru=.\\parent.vhd")
    try scratch.check("child.vhd", holds: "raw", seed: UInt64(blockSize))
    let image = try scratch.open("child.vhd")
    #expect(image.summary.variant == "differencing")
    #expect(image.summary.parentName == ".\\parent.vhd")
    #expect(image.parent?.format == .vpc)
    #expect(image.allNotices == [])
  }

  @Test func aChainOfThreeEndsInAFixedDisk() throws {
    let ids = (0..<3).map { "11111111-0000-4000-8000-00000000000\($0)" }
    let base = try scratch.disk("raw0", size: 4 << 20, seed: 31)
    let middle = try scratch.disk("raw1", size: 4 << 20, over: base, seed: 32)
    _ = try scratch.disk("raw2", size: 4 << 20, over: middle, seed: 33)
    try vhd("fixed", "raw0", "0.vhd", "--uuid", ids[0])
    for level in 1...2 {
      try vhd(
        "differencing", "raw\(level)", "\(level).vhd", "--base", "raw\(level - 1)", "--uuid", ids[level],
        "--parent-uuid", ids[level - 1], "--parent-name", "C:\\disks\\\(level - 1).vhd")
    }
    try scratch.check("2.vhd", holds: "raw2")
    #expect(try scratch.open("2.vhd").parent?.parent?.summary.variant == "fixed")
  }

  /// libvhdi reads the bitmaps too. (It takes the sectors behind a run to the end of its byte for marked.)
  @Test func libvhdiReadsTheSame() throws {
    guard Privileges.hasFUSE else { return }
    let base = try scratch.disk("base", size: 6 << 20, alignment: 4096, zeros: false, seed: 51)
    _ = try scratch.disk("raw", size: 6 << 20, over: base, alignment: 4096, zeros: false, seed: 52)
    try vhd("dynamic", "base", "parent.vhd", "--uuid", Self.parentID)
    try vhd(
      "differencing", "raw", "child.vhd", "--base", "base", "--parent-uuid", Self.parentID, "--parent-name",
      "parent.vhd", "--locator", "W2ru=.\\parent.vhd")
    let image = try scratch.open("child.vhd")
    let info = try runSuccessfully(["vhdiinfo", scratch.path("child.vhd")]).output
    #expect(info.contains(": \(try #require(image.summary.uuid))\n"))
    #expect(info.contains(": \(try #require(image.parent?.summary.uuid))\n"))

    let mount = scratch.path("mnt")
    try FileManager.default.createDirectory(atPath: mount, withIntermediateDirectories: false)
    try runSuccessfully(["vhdimount", scratch.path("child.vhd"), mount])
    defer { _ = try? run(["umount", mount]) }
    let theirs = try HostFile(opening: FilePath(mount + "/vhdi2"))
    try compare(image.disk, with: theirs, seed: 5, pieces: 50)
  }

  // MARK: Footers

  @Test(arguments: ["fixed", "dynamic"])
  func footersOf511Bytes(kind: String) throws {
    _ = try scratch.disk("raw", size: 3 << 20, seed: 2)
    try vhd(kind, "raw", "old.vhd", "--old-footer", "--creator", "vpc ", "--geometry", "48", "8", "16")
    #expect(try scratch.size("old.vhd") % 512 == 511)
    try scratch.check("old.vhd", holds: "raw")
    #expect(try scratch.open("old.vhd").summary.notices == [])
  }

  /// A raw disk is not cut because a VHD's footer is at its end.
  @Test func aRawDiskStaysWhole() throws {
    _ = try scratch.disk("raw", size: 3 << 20, seed: 2)
    try vhd("fixed", "raw", "disk.vhd")
    let image = try scratch.bytes("disk.vhd")
    // As of a partition in which such a file was stored at the very end.
    try Data([UInt8](repeating: 0, count: 1 << 20) + image).write(to: URL(fileURLWithPath: scratch.path("outer")))
    #expect(try scratch.open("outer").format == .raw)
    #expect(try scratch.open("outer", format: .vpc).format == .vpc)
    // A footer whose checksum is wrong is none.
    try scratch.poke("disk.vhd", UInt64(image.count) - 300, [1])
    let raw = try scratch.open("disk.vhd")
    #expect(raw.format == .raw)
    #expect(raw.disk.size == UInt64(image.count))
    // Nor does a dynamic one's, without the header.
    try vhd("dynamic", "raw", "dynamic.vhd")
    let dynamic = try scratch.bytes("dynamic.vhd")
    try Data([UInt8](repeating: 0, count: 4096) + dynamic).write(to: URL(fileURLWithPath: scratch.path("outer")))
    #expect(try scratch.open("outer").format == .raw)
  }

  @Test func theFootersStandInForEachOther() throws {
    _ = try scratch.disk("raw", size: 3 << 20, seed: 2)
    try vhd("dynamic", "raw", "disk.vhd")
    let size = try scratch.size("disk.vhd")
    func notices() throws -> [String] {
      try scratch.check("disk.vhd", holds: "raw")
      return try scratch.open("disk.vhd").summary.notices
    }
    #expect(try notices() == [])
    try scratch.poke("disk.vhd", 100, [7])
    #expect(try notices() == ["the copy of its footer at its start is damaged"])
    try scratch.poke("disk.vhd", 0, [UInt8](repeating: 0, count: 512))
    #expect(try notices() == ["the copy of its footer at its start is damaged"])

    try vhd("dynamic", "raw", "disk.vhd")
    try scratch.poke("disk.vhd", size - 400, [7])
    #expect(try notices() == ["its footer is damaged; the copy at its start is used"])
    try scratch.truncate("disk.vhd", to: size - 512)
    #expect(
      try notices()
        == ["its footer is missing: it was cut short, or not finished; the copy at its start is used"])
    try scratch.poke("disk.vhd", 100, [7])
    let error = #expect(throws: ImageError.self) { try scratch.open("disk.vhd") }
    #expect(error?.text == "wrong checksum of VHD footer (at 0)")
    #expect(error?.exitStatus == 65)
  }

  @Test func savedStateIsSaid() throws {
    _ = try scratch.disk("raw", size: 1 << 20, seed: 2)
    try vhd("dynamic", "raw", "disk.vhd", "--saved-state")
    #expect(try scratch.open("disk.vhd").summary.notices.contains { $0.contains("state was saved") })
  }
}
