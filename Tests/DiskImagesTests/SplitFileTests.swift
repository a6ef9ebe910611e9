import BlockDevices
import Bytes
import DiskImages
import Foundation
import SystemPackage
import TestSupport
import Testing

/// Disks in numbered parts.
@Suite struct SplitFileTests {
  private let folder: TemporaryDirectory
  init() throws { folder = try TemporaryDirectory() }

  private func write(_ name: String, _ bytes: [UInt8]) throws {
    try Data(bytes).write(to: folder.url.appendingPathComponent(name))
  }

  private func open(_ name: String) throws(ImageError) -> DiskImage {
    try DiskImage(opening: FilePath(folder.path).appending(name))
  }

  @Test(arguments: [("disk.001", "disk.002", "disk.003"), ("disk.raw.00", "disk.raw.01", "disk.raw.02")])
  func partsAreOneDisk(first: String, second: String, third: String) throws {
    try write(first, Array(repeating: 1, count: 700))
    try write(second, Array(repeating: 2, count: 700))
    try write(third, Array(repeating: 3, count: 5))
    let image = try open(first)
    #expect(image.format == .raw)
    #expect(image.files.count == 3)
    #expect(image.disk.size == 1405)
    let expected = Array(repeating: UInt8(1), count: 700) + Array(repeating: 2, count: 700) + [3, 3, 3, 3, 3]
    #expect(try image.disk.bytes(1405, at: 0) == expected)
    #expect(try image.disk.bytes(710, at: 695) == Array(expected[695...]))
  }

  @Test func oneAloneIsAFileLikeAnyOther() throws {
    try write("disk.001", [1, 2, 3])
    #expect(try open("disk.001").files.count == 1)
    try write("disk.002", [4])
    #expect(try open("disk.002").disk.size == 1, "a later part is opened alone")
  }

  @Test func aMissingPartIsSaid() throws {
    for name in ["disk.001", "disk.002", "disk.004"] { try write(name, [0]) }
    let error = #expect(throws: ImageError.self) { try open("disk.001") }
    #expect(error?.text == "lacks its part disk.003, though disk.004 is there")
    #expect(error?.exitStatus == 65)
  }

  @Test func partsMayNotLeadElsewhere() throws {
    let elsewhere = try TemporaryDirectory()
    try write("disk.001", [1])
    try FileManager.default.createSymbolicLink(
      atPath: folder.path + "/disk.002", withDestinationPath: elsewhere.path + "/secret")
    try Data([2]).write(to: elsewhere.url.appendingPathComponent("secret"))
    let error = #expect(throws: ImageError.self) { try open("disk.001") }
    #expect(error?.exitStatus == 77)
    var options = ImageOptions()
    options.allowsExternalFiles = true
    #expect(try DiskImage(opening: FilePath(folder.path + "/disk.001"), options: options).disk.size == 2)
  }
}
