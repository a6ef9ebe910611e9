/// Feature flags of the superblock, named as erofs-utils names them. Some bits stand for two features that came at the
/// same time.
extension EROFS {
  /// `feature_compat`: whoever does not know them can read all the same.
  struct CompatibleFeatures: OptionSet, Sendable {
    let rawValue: UInt32

    static let checksum = Self(rawValue: 0x1)
    static let modificationTimes = Self(rawValue: 0x2)
    /// Inodes say which attributes they do not have.
    static let xattrFilter = Self(rawValue: 0x4)
    /// Attributes that inodes share lie in the file of compressed metadata.
    static let sharedXattrsInMetadataBox = Self(rawValue: 0x8)
    /// Long prefixes of attributes' names lie in the image itself, not in the file of fragments.
    static let plainXattrPrefixes = Self(rawValue: 0x10)
    static let sharedPageCacheKeys = Self(rawValue: 0x20)
  }

  /// `feature_incompat`: whoever does not know one of them must not read.
  struct IncompatibleFeatures: OptionSet, Sendable {
    let rawValue: UInt32

    /// Compressed data stands at the end of its blocks, behind zeros.
    static let zeroPadding = Self(rawValue: 0x1)
    /// Configurations of the algorithms follow the superblock; and clusters can be larger than a block.
    static let compressionConfigurations = Self(rawValue: 0x2)
    static let chunkedFiles = Self(rawValue: 0x4)
    /// There is a table of further devices; and a file can use two algorithms.
    static let deviceTable = Self(rawValue: 0x8)
    /// The last cluster of a file can stand beside its inode.
    static let tailPacking = Self(rawValue: 0x10)
    /// Parts of files lie in a file of fragments; and clusters can be shared in part.
    static let fragments = Self(rawValue: 0x20)
    static let xattrPrefixes = Self(rawValue: 0x40)
    /// Block numbers of 48 bits, and extents as indexes of compressed files.
    static let fortyEightBit = Self(rawValue: 0x80)
    /// Inodes can lie in a file, which can be compressed.
    static let metadataBox = Self(rawValue: 0x100)

    static let readable: Self = Self(rawValue: 0x1FF)
  }

  private static let compatibleNames: [(CompatibleFeatures, String)] = [
    (.checksum, "sb_csum"), (.modificationTimes, "mtime"), (.xattrFilter, "xattr_filter"),
    (.sharedXattrsInMetadataBox, "shared_ea_in_metabox"), (.plainXattrPrefixes, "plain_xattr_pfx"),
    (.sharedPageCacheKeys, "ishare_xattrs"),
  ]

  private static let incompatibleNames: [(IncompatibleFeatures, String)] = [
    (.zeroPadding, "0padding"), (.compressionConfigurations, "compr_cfgs,big_pcluster"),
    (.chunkedFiles, "chunked_file"), (.deviceTable, "device_table,compr_head2"), (.tailPacking, "ztailpacking"),
    (.fragments, "fragments,dedupe"), (.xattrPrefixes, "xattr_prefixes"), (.fortyEightBit, "48bit"),
    (.metadataBox, "metabox"),
  ]

  /// The names of all features that are set; unknown ones by their bits.
  static func featureNames(_ compatible: CompatibleFeatures, _ incompatible: IncompatibleFeatures) -> [String] {
    var names = compatibleNames.filter { compatible.contains($0.0) }.map(\.1)
    names += incompatibleNames.filter { incompatible.contains($0.0) }.map(\.1)
    return names + unknownNames(incompatible)
  }

  static func unknownNames(_ features: IncompatibleFeatures) -> [String] {
    (0..<32 as Range<UInt32>).compactMap { bit in
      let value = UInt32(1) << bit
      guard features.subtracting(.readable).rawValue & value != 0 else { return nil }
      return "feature_incompat 0x" + String(value, radix: 16)
    }
  }
}
