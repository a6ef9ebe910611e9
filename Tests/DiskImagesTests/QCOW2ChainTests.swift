import BlockDevices
import DiskImages
import Foundation
import SystemPackage
import TestSupport
import Testing

/// Backing files of qcow2 images.
@Suite struct QCOW2ChainTests {
  private let shop: QemuWorkshop
  init() throws { shop = try QemuWorkshop() }

  /// Chains of images of several sizes and formats: absent is what no image has, and what lies past the end of one.
  @Test func chainsReadAsQemuReadsThem() throws {
    try shop.create("base.qcow2", size: 3 << 20, options: ["cluster_size=4k"])
    try shop.io("base.qcow2", ["write -P 1 0 100k", "write -P 2 2m 1m"])
    try shop.create("short.qcow2", size: 1 << 20 | 512, options: ["extended_l2=on"], backing: "base.qcow2")
    try shop.io("short.qcow2", ["write -P 3 70001 100", "write -z 4k 4k", "write -P 4 1048577 511"])
    try shop.create("top.qcow2", size: 5 << 20, options: ["cluster_size=2M"], backing: "short.qcow2")
    try shop.compare("top.qcow2")
    try shop.io("top.qcow2", ["write -P 5 4m 10", "discard 0 64k"])
    try shop.compare("top.qcow2")
    let image = try shop.open("top.qcow2")
    #expect(image.parent?.parent?.format == .qcow2)
    #expect(image.parent?.parent?.parent == nil)
    #expect(image.summary.parentName == "short.qcow2")
  }

  @Test(arguments: ["raw", "qcow", "qed", "qcow2"])
  func backingFilesHaveAnyFormat(format: String) throws {
    try shop.create("base", format: format, size: 1 << 20 | 512)
    try shop.io("base", format: format, ["write -P 1 3 99999", "write -P 2 1048576 512"])
    try shop.create("top.qcow2", size: 2 << 20, backing: "base", backingFormat: format)
    try shop.io("top.qcow2", ["write -P 3 50000 3"])
    try shop.compare("top.qcow2")
    #expect(try shop.open("top.qcow2").parent?.format.rawValue == format)
  }

  /// Whoever can write to a raw disk can make it look like an image, and must not have it opened as one.
  @Test func rawIsNeverProbed() throws {
    try shop.create("base.raw", format: "raw", size: 1 << 20)
    try shop.create("inner.qcow2", size: 1 << 20, backing: "base.raw", backingFormat: "raw")
    try shop.create("top.qcow2", backing: "inner.qcow2", backingFormat: "raw")
    try compareWithQemu(shop.path("top.qcow2"))
    let image = try shop.open("top.qcow2")
    #expect(image.parent?.format == .raw)
    #expect(try image.disk.bytes(3, at: 0) == Array("QFI".utf8))
  }

  @Test func withoutAFormatTheContentTells() throws {
    try shop.create("base.qcow2", size: 1 << 20)
    try shop.io("base.qcow2", ["write -P 1 0 64k"])
    try shop.create("top.qcow2", backing: "base.qcow2")
    let bytes = try shop.bytes("top.qcow2")
    let place = try #require(bytes.firstRange(of: [0xE2, 0x79, 0x2A, 0xCA]))
    try shop.patch("top.qcow2", (UInt64(place.lowerBound), [0x12, 0x34, 0x56, 0x78]))
    #expect(try shop.open("top.qcow2").parent?.format == .qcow2)
    try compareWithQemu(shop.path("top.qcow2"))
  }

  @Test func unknownFormatsAreNamed() throws {
    try shop.create("base.raw", format: "raw", size: 1 << 20)
    try shop.create("top.qcow2", backing: "base.raw", backingFormat: "raw")
    let place = try #require(try shop.bytes("top.qcow2").firstRange(of: [0xE2, 0x79, 0x2A, 0xCA]))
    try shop.patch("top.qcow2", (UInt64(place.lowerBound) + 8, Array("dmg".utf8)))
    let error = #expect(throws: ImageError.self) { try shop.open("top.qcow2") }
    #expect(error?.text == "has a backing file of the format dmg, which is not supported")
    #expect(error?.exitStatus == 69)
    var options = ImageOptions()
    options.backingFile = FilePath(shop.path("base.raw"))
    #expect(try shop.open("top.qcow2", options: options).parent?.format == .raw)
  }

  @Test func anotherBackingFileCanBeGiven() throws {
    for (name, byte) in [("one.qcow2", 1), ("two.qcow2", 2)] {
      try shop.create(name, size: 1 << 20)
      try shop.io(name, ["write -P \(byte) 0 64k"])
    }
    try shop.create("top.qcow2", backing: "one.qcow2")
    #expect(try shop.open("top.qcow2").disk.bytes(1, at: 0) == [1])
    try FileManager.default.removeItem(atPath: shop.path("one.qcow2"))
    let error = #expect(throws: ImageError.self) { try shop.open("top.qcow2") }
    #expect(error?.exitStatus == 66)
    #expect(error?.path?.string == shop.path("one.qcow2"))
    var options = ImageOptions()
    options.backingFile = FilePath(shop.path("two.qcow2"))
    #expect(try shop.open("top.qcow2", options: options).disk.bytes(1, at: 0) == [2])
  }

  @Test func aLoopIsSaid() throws {
    try shop.create("one.qcow2", size: 1 << 20)
    try shop.create("two.qcow2", backing: "one.qcow2")
    try shop.img("rebase", "-u", "-b", "two.qcow2", "-F", "qcow2", "one.qcow2")
    let error = #expect(throws: ImageError.self) { try shop.open("two.qcow2") }
    #expect(error?.text == "is its own backing file: the chain is a loop")
    #expect(error?.exitStatus == 65)
  }

  @Test func aFolderIsNotLeft() throws {
    try shop.create("top.qcow2", size: 1 << 20)
    for name in ["/etc/passwd", "../elsewhere"] {
      try shop.img("rebase", "-u", "-b", name, "-F", "raw", "top.qcow2")
      let error = #expect(throws: ImageError.self) { try shop.open("top.qcow2") }
      #expect(error.map { [66, 77].contains($0.exitStatus) } == true)
    }
  }

  /// As deep as chains may be, and one deeper.
  @Test func longChainsEnd() throws {
    try shop.create("0.qcow2", size: 1 << 20, options: ["cluster_size=512"])
    try shop.io("0.qcow2", ["write -P 9 0 512"])
    try shop.create("1.qcow2", options: ["cluster_size=512"], backing: "0.qcow2")
    let template = try shop.bytes("1.qcow2")
    let name = try #require(template.firstRange(of: Array("0.qcow2".utf8)))
    for index in 2...200 {
      let text = Array("\(index - 1).qcow2".utf8)
      var bytes = template
      bytes.replaceSubrange(name.lowerBound..<(name.lowerBound + text.count), with: text)
      bytes.replaceSubrange(16..<20, with: be(UInt32(text.count)))
      try Data(bytes).write(to: URL(fileURLWithPath: shop.path("\(index).qcow2")))
    }
    #expect(try shop.open("199.qcow2").disk.bytes(2, at: 511) == [9, 0])
    let error = #expect(throws: ImageError.self) { try shop.open("200.qcow2") }
    #expect(error?.exitStatus == 69)
  }
}
