import FileSystems
import TestSupport
import Testing

/// What fsck.erofs extracts from images, which knows nothing of the kernel's driver nor of ours.
@Suite struct FsckErofsTests {
  /// Of the packages of today: it reads LZ4 and no other algorithm.
  static let fixtures = [
    "plain", "no-inline", "lz4", "lz4-big", "lz4-legacy", "lz4-two-bytes", "lz4-full-big", "chunks", "chunk-indexes",
    "ztailpacking", "ztailpacking-big", "symlinks",
  ].map { Fixture("erofs", $0) }

  @Test(.enabled(if: Privileges.isRoot, "needs root, as it sets owners"), arguments: fixtures)
  func extractsTheSame(_ fixture: Fixture) throws {
    let folder = try TemporaryDirectory()
    let target = folder.path + "/files"
    try runSuccessfully(["fsck.erofs", "--extract=\(target)", "--preserve", fixture.image()])
    // What a copy has of its own: hard links are separate files there, and links and folders have other times.
    let others: Set<String> = ["links", "blocks", "ctime", "atime", "crtime", "data", "mtime"]
    func comparable(_ listing: Listing) -> Listing {
      listing.mapFields { _, fields in
        let isFolder = fields.contains("dir")
        return fields.filter { field in
          !others.contains { field.hasPrefix($0 + "=") } && !(isFolder && field.hasPrefix("size="))
        }
      }
    }
    let extracted = comparable(Listing(ofDirectory: target))
    let library = comparable(Listing(of: try openFileSystem(in: fixture.image())))
    let difference = extracted.difference(from: library, named: ("fsck.erofs", "library"))
    #expect(difference == nil, "\(fixture):\n\(difference ?? "")")
    #expect(library.lines.count > 8)
  }
}
