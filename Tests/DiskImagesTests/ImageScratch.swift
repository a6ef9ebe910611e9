import BlockDevices
import Bytes
import DiskImages
import Foundation
import SystemPackage
import TestSupport

/// A folder with images made for one test, and the disks that they are to hold.
struct ImageScratch {
  let folder: TemporaryDirectory

  init() throws { folder = try TemporaryDirectory(prefix: "vitrine-images") }

  func path(_ name: String) -> String { folder.path + "/" + name }

  /// A disk with data at random places, of lengths that fit neither sectors nor blocks, and holes.
  /// - Parameters:
  ///   - base: what it was before, of the same or another size.
  ///   - alignment: of the data's ends, in bytes.
  ///   - zeros: whether some of the pieces are zeros.
  func disk(
    _ name: String, size: Int, over base: [UInt8] = [], pieces: Int = 40, alignment: Int = 1, zeros: Bool = true,
    seed: UInt64
  ) throws -> [UInt8] {
    var random = SeededGenerator(seed: seed)
    var bytes = Array(base.prefix(size))
    bytes += [UInt8](repeating: 0, count: size - bytes.count)
    for _ in 0..<pieces {
      let start = Int.random(in: 0..<size, using: &random)
      let length = [1, 512, 5000, 70_000, 300_000].randomElement(using: &random) ?? 1
      let end = min((start + length + alignment - 1) / alignment * alignment, size)
      let isZero = zeros && Int.random(in: 0..<4, using: &random) == 0
      for index in start..<end { bytes[index] = isZero ? 0 : UInt8.random(in: 1...255, using: &random) }
    }
    try Data(bytes).write(to: URL(fileURLWithPath: path(name)))
    return bytes
  }

  /// Runs a script of the fixtures (`vhd/vhd.py`) that makes an image, in the folder.
  func make(by script: String, _ arguments: [String]) throws {
    try runSuccessfully([Fixture.directory.appendingPathComponent(script).path] + arguments, in: folder.url)
  }

  /// Has qemu-io write patterns 1 to `count` at random places, often over one another.
  func write(_ count: Int, to name: String, format: String, size: UInt64, seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    for pattern in 1...count {
      let range = random.range(in: size, largest: 200_000)
      try runSuccessfully([
        "qemu-io", "-f", format, "-c",
        "write -P \(pattern) \(range.lowerBound) \(range.upperBound - range.lowerBound)", path(name),
      ])
    }
  }

  func open(
    _ name: String, format: ImageFormat? = nil, over backingFile: String? = nil, external: Bool = false
  ) throws(ImageError) -> DiskImage {
    var options = ImageOptions()
    options.format = format
    options.backingFile = backingFile.map { FilePath(path($0)) }
    options.allowsExternalFiles = external
    return try DiskImage(opening: FilePath(path(name)), options: options)
  }

  /// Whether the image holds just what the raw file does.
  func check(
    _ image: String, holds raw: String, format: ImageFormat? = nil, over backingFile: String? = nil, seed: UInt64 = 1
  ) throws {
    let image = try open(image, format: format, over: backingFile)
    try compare(image.disk, with: HostFile(opening: FilePath(path(raw))), seed: seed)
  }

  /// Overwrites bytes of a file.
  func poke(_ name: String, _ offset: UInt64, _ bytes: [UInt8]) throws {
    let handle = try FileHandle(forUpdating: URL(fileURLWithPath: path(name)))
    try handle.seek(toOffset: offset)
    try handle.write(contentsOf: Data(bytes))
    try handle.close()
  }

  func truncate(_ name: String, to size: UInt64) throws {
    let handle = try FileHandle(forUpdating: URL(fileURLWithPath: path(name)))
    try handle.truncate(atOffset: size)
    try handle.close()
  }

  func bytes(_ name: String) throws -> [UInt8] { Array(try Data(contentsOf: URL(fileURLWithPath: path(name)))) }

  func size(_ name: String) throws -> UInt64 { try HostFile(opening: FilePath(path(name))).size }

  /// What qemu-img says is the disk's size.
  func qemuSize(_ name: String, format: String) throws -> UInt64 {
    let info = try runSuccessfully(["qemu-img", "info", "-f", format, "--output=json", path(name)]).output
    let json = try JSONSerialization.jsonObject(with: Data(info.utf8)) as? [String: Any]
    return (json?["virtual-size"] as? NSNumber)?.uint64Value ?? 0
  }
}
