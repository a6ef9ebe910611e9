import BlockDevices
import FileSystems
import Foundation
import TestSupport
import Testing

/// Random reads through a mount, against the library's own: what is spliced is what is read.
@Suite(.serialized) struct SplicedReadTests {
  static let fixtures = ext4 + squashfs

  private static let ext4 = [
    "extents", "indirect-1k", "indirect-4k", "holes", "unwritten", "blocks-64k", "bigalloc", "inline-data",
    "inline-data-1k-inode", "shared-blocks", "verity",
  ].map { Fixture("ext4", $0) }

  private static let squashfs = [
    "gzip", "zstd", "lz4", "lzma", "lzo", "xz-bcj", "uncompressed", "uncompressed-data", "uncompressed-some",
    "block-4k",
    "fragments-always", "fragments-none", "fragments-many", "long-block-list",
  ].map { Fixture("squashfs", $0) }

  @Test(.enabled(if: Privileges.hasFUSE, "needs /dev/fuse"), arguments: fixtures)
  func readsOfAnyRangeAreRight(_ fixture: Fixture) throws {
    let seed = UInt64.random(in: 0 ... .max)
    var generator = SeededGenerator(seed: seed)
    let image = try fixture.image()
    let fileSystem = try openFileSystem(in: image)
    let files = regularFiles(of: fileSystem)
    try #require(!files.isEmpty)
    for arguments in [[], ["-o", "cache=never"]] {
      try withVitrineMount(of: image, arguments: arguments) { mountPoint in
        for file in files {
          let handle = try FileHandle(forReadingFrom: URL(fileURLWithPath: mountPoint + file.path))
          defer { try? handle.close() }
          let device = try fileSystem.file(file.node)
          for _ in 0..<12 where device.size > 0 {
            let range = generator.range(in: device.size, largest: 700_000)
            try handle.seek(toOffset: range.lowerBound)
            let mounted = try handle.read(upToCount: Int(range.upperBound - range.lowerBound)) ?? Data()
            let expected = try device.bytes(Int(range.upperBound - range.lowerBound), at: range.lowerBound)
            #expect([UInt8](mounted) == expected, "\(fixture)\(file.path) \(range) \(arguments) seed \(seed)")
          }
        }
      }
    }
  }
}
