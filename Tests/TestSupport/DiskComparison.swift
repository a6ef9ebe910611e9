public import BlockDevices
public import DiskImages
internal import Foundation
internal import SystemPackage

/// Where two disks differ.
public struct DiskDifference: Error, CustomStringConvertible {
  public let description: String

  public init(description: String) { self.description = description }
}

/// Compares a disk with another that holds what it must hold: all of it in order, then pieces of random place and
/// length, each of which also has to be told by `resolve` as one gapless run.
public func compare(
  _ disk: any BlockDevice, with expected: any BlockDevice, seed: UInt64 = 0, pieces: Int = 200
) throws {
  guard disk.size == expected.size else {
    throw DiskDifference(description: "\(disk.size) bytes, not \(expected.size)")
  }
  var position: UInt64 = 0
  while position < disk.size {
    let count = Int(min(disk.size - position, 1 << 20))
    try compare(disk, with: expected, at: position, count: count)
    position += UInt64(count)
  }
  var random = SeededGenerator(seed: seed)
  for _ in 0..<pieces where disk.size > 0 {
    let range = random.range(in: disk.size, largest: 200_000)
    let (start, count) = (range.lowerBound, Int(range.upperBound - range.lowerBound))
    try compare(disk, with: expected, at: start, count: count)
    try compareByExtents(disk, with: expected, at: start, count: count)
  }
}

private func compare(_ disk: any BlockDevice, with expected: any BlockDevice, at start: UInt64, count: Int) throws {
  let bytes = try disk.bytes(count, at: start)
  let right = try expected.bytes(count, at: start)
  if bytes == right { return }
  let index = zip(bytes, right).enumerated().first { $0.element.0 != $0.element.1 }?.offset ?? 0
  throw DiskDifference(
    description: "byte \(start + UInt64(index)) is \(bytes[index]), not \(right[index]) (read \(count) at \(start))")
}

/// The same by way of what `resolve` tells: this is how a mount reads.
private func compareByExtents(
  _ disk: any BlockDevice, with expected: any BlockDevice, at start: UInt64, count: Int
) throws {
  let end = start + UInt64(count)
  var position = start
  var extents = HostExtentList(limit: 16)
  while position < end {
    extents.removeAll()
    try disk.resolve(position..<end, into: &extents)
    guard extents.length > 0, extents.length <= end - position else {
      throw DiskDifference(description: "resolve covers \(extents.length) bytes at \(position), of \(end - position)")
    }
    for extent in extents.extents {
      let length = Int(extent.length)
      let bytes = try extent.bytes()
      guard try bytes == expected.bytes(length, at: position) else {
        throw DiskDifference(description: "the extent at \(position) of \(length) bytes is another: \(extent.kind)")
      }
      position += extent.length
    }
  }
}

/// Compares an image with what qemu-img makes of it.
/// - Parameter arguments: of `qemu-img convert`: the format, a snapshot.
public func compareWithQemu(
  _ image: String, options: ImageOptions = ImageOptions(), arguments: [String] = [], seed: UInt64 = 0
) throws {
  let folder = try TemporaryDirectory(prefix: "vitrine-qemu")
  let raw = folder.path + "/raw"
  // In the image's folder: qemu takes a name of a data file as relative to where it runs.
  try runSuccessfully(
    ["qemu-img", "convert", "-O", "raw"] + arguments + [image, raw],
    in: URL(fileURLWithPath: image).deletingLastPathComponent())
  let opened = try DiskImage(opening: FilePath(image), options: options)
  try compare(opened.disk, with: HostFile(opening: FilePath(raw)), seed: seed)
}
