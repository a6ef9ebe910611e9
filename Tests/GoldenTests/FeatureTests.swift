import Foundation
import TestSupport
import Testing

/// Every feature that is read has a fixture that shows it, with a listing or an expectation beside it.
@Suite struct FeatureTests {
  static let fixturesOfFeatures: [String: [String: [String]]] = [
    "ext4": ext4, "squashfs": squashfs, "erofs": erofs,
  ]

  private static let ext4: [String: [String]] = [
    "extent trees of any depth": ["extents"],
    "direct to triple indirect blocks": ["indirect-1k", "indirect-4k"],
    "ext2, ext3": ["indirect-1k", "ext3"],
    "1 KiB to 64 KiB blocks": ["blocks-1k", "blocks-2k", "blocks-4k", "blocks-64k"],
    "64bit": ["64bit", "no-64bit"],
    "flex_bg": ["flex-bg", "no-flex-bg"],
    "meta_bg": ["meta-bg", "meta-bg-64bit"],
    "bigalloc": ["bigalloc", "bigalloc-4k"],
    "sparse_super2": ["sparse-super2", "no-sparse-super"],
    "inline_data": ["inline-data", "inline-data-1k-inode", "inline-data-spill", "inline-data-sparse"],
    "dir_index": [
      "dir-index-half-md4-signed", "dir-index-half-md4-unsigned", "dir-index-tea-signed", "dir-index-tea-unsigned",
      "dir-index-legacy-signed", "dir-index-legacy-unsigned", "no-dir-index", "million-names",
    ],
    "large_dir": ["large-dir"],
    "casefold": ["casefold"],
    "ea_inode": ["ea-inode", "ea-inode-large"],
    "metadata_csum": ["metadata-csum", "metadata-csum-seed"],
    "uninit_bg": ["uninit-bg"],
    "extra_isize": ["times", "times-128", "inode-128", "inode-512", "inode-1024"],
    "huge_file": ["huge-file"],
    "project": ["quota-project"],
    "verity": ["verity"],
    "orphan_file": ["orphan-file"],
    "shared_blocks": ["shared-blocks"],
    "no filetype": ["no-filetype"],
    "revision 0": ["revision-0"],
    "unwritten extents": ["unwritten"],
    "holes": ["holes"],
    "symbolic links": ["symlinks", "symlinks-4k", "inline-data"],
    "devices, FIFOs, sockets": ["special-files"],
    "extended attributes": ["xattrs", "xattrs-1k-128", "acl"],
    "hard links": ["hard-links", "dir-nlink"],
    "names of any bytes": ["names"],
    "encrypt": ["encrypted"],
    "backup superblock": ["backup-superblock", "backup-superblock-4k", "should-fail-checksum-superblock"],
    "journal": ["needs-recovery", "no-journal", "external-journal", "fast-commit"],
    "other compatible features": ["mmp", "stable-inodes", "last-group-short"],
    "damage": [
      "should-fail-block-maps", "should-fail-extents", "should-fail-directories", "should-fail-directory-cycle",
      "should-fail-inodes", "should-fail-xattrs", "should-fail-index", "should-fail-groups", "should-fail-truncated",
      "should-fail-checksum-directory", "should-fail-checksum-extent-block", "should-fail-checksum-group",
      "should-fail-checksum-index", "should-fail-checksum-inline", "should-fail-checksum-inode",
      "should-fail-checksum-xattr-block", "should-fail-superblock-block-size", "should-fail-superblock-huge",
      "should-fail-superblock-inode-size", "should-fail-superblock-no-inodes",
      "should-fail-superblock-unknown-feature", "should-fail-superblock-compression",
      "should-fail-superblock-journal-device",
    ],
  ]

  private static let squashfs: [String: [String]] = [
    "codecs": ["gzip", "lzma", "lzo", "xz", "lz4", "zstd"],
    "options of codecs": ["gzip-options", "lzo-options", "xz-bcj", "lz4-hc", "zstd-options"],
    "4 KiB to 1 MiB blocks": ["block-4k", "block-8k", "block-1m"],
    "what is not compressed": ["uncompressed", "uncompressed-data", "uncompressed-some"],
    "fragments": ["fragments-always", "fragments-none", "fragments-many"],
    "shared blocks": ["duplicates"],
    "holes": ["sparse"],
    "long lists of blocks": ["long-block-list"],
    "directory indexes": ["large-dir"],
    "export table": ["no-exports"],
    "an empty filesystem": ["empty"],
    "padding": ["not-padded"],
    "devices, FIFOs, sockets": ["special-files"],
    "owners": ["owners"],
    "times": ["times"],
    "names of any bytes": ["names"],
    "symbolic links": ["symlinks"],
    "hard links": ["hard-links"],
    "extended attributes": ["xattrs", "handmade-xattrs"],
    "inodes of the extended kind": ["extended-inodes"],
    "metadata blocks of any size": ["short-metadata-blocks"],
    "positions beyond 4 GiB": ["large-positions"],
    "odd, but read": ["own-index", "odd-options"],
    "damage": [
      "should-fail-big-endian", "should-fail-child-references", "should-fail-directories", "should-fail-files",
      "should-fail-inodes", "should-fail-large-files", "should-fail-metadata", "should-fail-superblock-compression",
      "should-fail-superblock-version-3", "should-fail-tables", "should-fail-truncated", "should-fail-truncated-xattrs",
      "should-fail-xattrs",
    ],
  ]

  private static let erofs: [String: [String]] = [
    "files that are not compressed": ["plain", "no-inline", "no-checksum"],
    "chunks": ["chunks", "chunk-indexes", "48bit-chunks"],
    "blocks of 512 bytes to 64 KiB": [
      "blocks-512", "blocks-1024", "blocks-2048", "blocks-8192", "blocks-16384", "blocks-65536",
    ],
    "compact indexes": ["lz4", "lz4-big", "lz4-two-bytes", "lz4-two-bytes-big"],
    "full indexes": ["lz4-legacy", "lz4-full-big"],
    "logical clusters of several blocks": ["clusters-4-blocks", "clusters-4-blocks-full"],
    "tables of extents": ["extents-4", "extents-8", "extents-16", "extents-32", "extents-dedupe"],
    "algorithms": ["lz4", "lz4-not-padded", "lzma", "deflate", "zstd", "two-algorithms"],
    "clusters behind the indexes": ["ztailpacking", "ztailpacking-big", "inline-clusters"],
    "interlaced clusters": ["interlaced"],
    "fragments": ["fragments", "fragments-full", "fragments-plain"],
    "partial references": ["dedupe", "dedupe-lzma", "dedupe-deflate", "dedupe-zstd"],
    "48-bit layout": ["48bit", "48bit-chunks"],
    "compressed metadata": ["metabox", "metabox-plain", "metabox-tails", "metabox-fragments"],
    "further devices": ["flat-devices", "flat-addresses", "devices"],
    "extended attributes": [
      "xattrs", "acl", "xattr-prefixes", "xattr-prefixes-packed", "xattr-prefixes-metabox", "xattr-filter",
    ],
    "devices, FIFOs, sockets, owners, times": ["special-files"],
    "symbolic links": ["symlinks"],
    "damage": [
      "should-fail-unknown-feature", "should-fail-checksum", "should-fail-block-size", "should-fail-directory-blocks",
      "should-fail-algorithm", "should-fail-root", "should-fail-metabox", "should-fail-inodes",
      "should-fail-directories", "should-fail-indexes", "should-fail-compact-indexes", "should-fail-clusters",
      "should-fail-extents", "should-fail-chunks", "should-fail-fragments", "should-fail-xattrs",
      "should-fail-truncated",
    ],
  ]

  private static var features: [String] {
    fixturesOfFeatures.flatMap { format, features in features.keys.map { "\(format): \($0)" } }.sorted()
  }

  @Test(arguments: features)
  func hasItsFixtures(_ feature: String) throws {
    let words = feature.split(separator: ": ", maxSplits: 1).map(String.init)
    for name in Self.fixturesOfFeatures[words[0]]?[words[1]] ?? [] {
      let fixture = Fixture(words[0], name)
      #expect(try fixture.text("recipe.sh") != nil, "\(fixture) has no recipe")
      #expect(try fixture.note("Shows") != nil, "\(fixture)'s recipe does not say what it shows")
      guard !fixture.isMadeByTests else { continue }
      let files = try FileManager.default.contentsOfDirectory(atPath: fixture.directory.path)
      let image = try fixture.note("Image") == nil ? "image.zst" : "image.tar.zst"
      #expect(files.contains(image), "\(fixture) has no image")
      #expect(files.contains(fixture.isHostile ? "expect.txt" : "listing.txt"), "\(fixture): what should it hold?")
    }
  }

  /// A fixture that no feature asks for would go unnoticed when it goes away.
  @Test func everyFixtureIsAskedFor() {
    for (format, features) in Self.fixturesOfFeatures {
      let known = Set(features.values.joined())
      #expect(Fixture.all(of: format).map(\.name).filter { !known.contains($0) } == [], "\(format)")
    }
    #expect(Set(Self.fixturesOfFeatures.keys) == Set(Fixture.fileSystemFormats))
  }
}
