import BlockDevices
import DiskImages
import Foundation
import SystemPackage
import TestSupport
import Testing

/// Internal snapshots of qcow2 images.
@Suite struct QCOW2SnapshotTests {
  private let shop: QemuWorkshop
  init() throws { shop = try QemuWorkshop() }

  @Test func eachIsTheDiskOfItsTime() throws {
    try shop.create("disk.qcow2", size: 1 << 20, options: ["cluster_size=4k"])
    try shop.io("disk.qcow2", ["write -P 1 0 512k"])
    try shop.img("snapshot", "-c", "first", "disk.qcow2")
    try shop.io("disk.qcow2", ["write -P 2 100000 100", "write -z 0 64k"])
    try shop.img("snapshot", "-c", "2", "disk.qcow2")
    try shop.img("resize", "-q", "disk.qcow2", "40M")
    try shop.io("disk.qcow2", ["write -P 3 2m 2m"])
    try shop.img("snapshot", "-c", "a long name, with blanks", "disk.qcow2")
    try shop.img("resize", "-q", "--shrink", "disk.qcow2", "3M")

    let snapshots = try shop.open("disk.qcow2").summary.snapshots
    #expect(snapshots.map(\.id) == ["1", "2", "3"])
    #expect(snapshots.map(\.name) == ["first", "2", "a long name, with blanks"])
    #expect(snapshots.map(\.diskSize) == [1 << 20, 1 << 20, 40 << 20])
    #expect(
      snapshots.allSatisfy { $0.machineStateSize == 0 && abs(Double($0.seconds) - Date().timeIntervalSince1970) < 600 })

    for snapshot in snapshots {
      // qemu-img shows a snapshot at the size that the disk has now.
      try shop.img("convert", "-l", "snapshot.id=\(snapshot.id)", "-O", "raw", "disk.qcow2", "expected.raw")
      try shop.img("resize", "-q", "--shrink", "-f", "raw", "expected.raw", "\(min(snapshot.diskSize, 3 << 20))")
      let expected = try HostFile(opening: FilePath(shop.path("expected.raw")))
      for name in [snapshot.id, snapshot.name] {
        let disk = try shop.open("disk.qcow2", snapshot: name).disk
        #expect(disk.size == snapshot.diskSize)
        try compare(#require(Slice(of: disk, start: 0, size: expected.size)), with: expected)
      }
    }
    #expect(try shop.open("disk.qcow2", snapshot: "3").disk.bytes(2, at: (4 << 20) - 1) == [3, 0])
    try shop.compare("disk.qcow2")
  }

  /// An ID goes before a name.
  @Test func idsComeFirst() throws {
    try shop.create("disk.qcow2", size: 1 << 20)
    try shop.img("snapshot", "-c", "2", "disk.qcow2")
    try shop.io("disk.qcow2", ["write -P 2 0 1"])
    try shop.img("snapshot", "-c", "1", "disk.qcow2")
    #expect(try shop.open("disk.qcow2", snapshot: "1").disk.bytes(1, at: 0) == [0])
    #expect(try shop.open("disk.qcow2", snapshot: "2").disk.bytes(1, at: 0) == [2])
  }

  @Test func aWrongNameListsTheRightOnes() throws {
    try shop.create("disk.qcow2", size: 1 << 20)
    var error = #expect(throws: ImageError.self) { try shop.open("disk.qcow2", snapshot: "x\n") }
    #expect(error?.text == "has no snapshots, so there is none called x\\x0a")
    for name in ["one", "two"] { try shop.img("snapshot", "-c", name, "disk.qcow2") }
    error = #expect(throws: ImageError.self) { try shop.open("disk.qcow2", snapshot: "three") }
    #expect(error?.text == "has no snapshot called three; there are: 1 (one), 2 (two)")
    #expect(error?.exitStatus == 64)
  }

  /// A snapshot reads the same backing file as the present state.
  @Test func snapshotsHaveTheBackingFile() throws {
    try shop.create("base.qcow2", size: 1 << 20)
    try shop.io("base.qcow2", ["write -P 1 0 1m"])
    try shop.create("disk.qcow2", backing: "base.qcow2")
    try shop.img("snapshot", "-c", "empty", "disk.qcow2")
    try shop.io("disk.qcow2", ["write -P 2 0 1m"])
    #expect(try shop.open("disk.qcow2", snapshot: "empty").disk.bytes(1, at: 70_000) == [1])
    #expect(try shop.open("disk.qcow2").disk.bytes(1, at: 70_000) == [2])
  }

  /// Damage of the table: each is an error.
  @Test(
    arguments: [
      ("count", 60, be(UInt32(65537)), "more than 65536"), ("count in the file", 60, be(UInt32(60000)), "snapshot"),
      ("unaligned", 64, be(UInt64(65537)), "does not begin at a cluster"),
      ("past the end", 64, be(UInt64(1) << 40), "snapshot table"),
      ("far out", 64, be(UInt64.max << 16), "snapshot table"),
    ])
  func damageIsAnError(name: String, offset: Int, bytes: [UInt8], text: String) throws {
    try shop.create("disk.qcow2", size: 1 << 20)
    try shop.img("snapshot", "-c", "one", "disk.qcow2")
    try shop.patch("disk.qcow2", (UInt64(offset), bytes))
    let error = #expect(throws: ImageError.self) { try shop.open("disk.qcow2") }
    #expect(error?.exitStatus == 65)
    #expect(error?.text.contains(text) == true, "\(error?.text ?? "")")
  }

  @Test(
    arguments: [
      ("L1 in no cluster", 0, be(UInt64(513))), ("L1 past the end", 0, be(UInt64(1) << 50)),
      ("absurd L1", 8, be(UInt32.max)), ("absurd size", 48, be(UInt64.max)), ("extra data", 36, be(UInt32.max)),
      ("extra data of 1 KiB and a byte", 36, be(UInt32(1025))),
    ])
  func damageOfAnEntryIsAnError(name: String, offset: Int, bytes: [UInt8]) throws {
    try shop.create("disk.qcow2", size: 1 << 20)
    try shop.img("snapshot", "-c", "one", "disk.qcow2")
    let table = try shop.be64("disk.qcow2", at: 64)
    try shop.patch("disk.qcow2", (table + UInt64(offset), bytes))
    let error = #expect(throws: ImageError.self) { try shop.open("disk.qcow2", snapshot: "1") }
    #expect(error?.exitStatus == 65, "\(error?.text ?? "")")
  }
}
