import BlockDevices
import DiskImages
import Foundation
import SystemPackage
import TestSupport
import Testing

/// What reading costs.
@Suite struct QCOW2CostTests {
  private let shop: QemuWorkshop
  init() throws { shop = try QemuWorkshop() }

  /// One piece of an L2 table, and the data.
  @Test(arguments: ["cluster_size=512", "cluster_size=64k", "cluster_size=2M", "extended_l2=on"])
  func aRandomReadReadsOneTable(option: String) throws {
    let size: UInt64 = 64 << 20
    try shop.create("disk.qcow2", size: size, options: [option, "preallocation=metadata"])
    let path = FilePath(shop.path("disk.qcow2"))
    let counting = CountingDevice(try HostFile(opening: path))
    let image = try DiskImage(in: counting, path: path)
    let map = try #require(image.map)
    var random = SeededGenerator(seed: 5)
    for _ in 0..<300 {
      let place = UInt64.random(in: 0..<(size / 4096), using: &random) * 4096
      // Where each of eight clusters of 512 bytes lies elsewhere, there are as many reads of data.
      var extents = ExtentList()
      counting.reset()
      try map.map(place..<(place + 4096), into: &extents)
      #expect(counting.readCount <= 1)
      #expect(counting.byteCount <= 4096)
      counting.reset()
      _ = try image.disk.bytes(4096, at: place)
      #expect(counting.readCount <= 1 + extents.extents.count)
    }
  }

  @Test func aLargeSparseDiskOpensAtOnce() throws {
    try shop.create("disk.qcow2", size: 16 << 40)
    try shop.io("disk.qcow2", ["write -P 1 10t 100k"])
    let path = FilePath(shop.path("disk.qcow2"))
    let counting = CountingDevice(try HostFile(opening: path))
    let clock = ContinuousClock()
    var image: DiskImage?
    let duration = try clock.measure { image = try DiskImage(in: counting, path: path) }
    #expect(duration < .milliseconds(50))
    // The L1 table of 256 KiB, and the header's cluster.
    #expect(counting.byteCount < 512 << 10)
    let disk = try #require(image).disk
    #expect(try disk.bytes(2, at: (10 << 40) + 102_399) == [1, 0])
    #expect(try disk.bytes(1, at: (16 << 40) - 1) == [0])
    // Where nothing is, nothing is walked through.
    counting.reset()
    var extents = HostExtentList()
    try disk.resolve(0..<(10 << 40), into: &extents)
    #expect(extents.length == 10 << 40)
    #expect(counting.readCount == 0)
    #expect(image?.summary.allocatedSize == 2 * 65536)
  }
}
