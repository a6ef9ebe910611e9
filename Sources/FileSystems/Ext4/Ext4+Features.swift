/// The three feature masks of the superblock, with the names by which dumpe2fs and mkfs.ext4 know them.
extension Ext4 {
  /// `s_feature_compat`: nobody needs to know them to read or write.
  struct CompatibleFeatures: OptionSet, Sendable {
    let rawValue: UInt32
    static let hasJournal = CompatibleFeatures(rawValue: 0x4)
    static let directoryIndex = CompatibleFeatures(rawValue: 0x20)
    static let sparseSuper2 = CompatibleFeatures(rawValue: 0x200)
  }

  /// `s_feature_incompat`: one that is not known forbids reading.
  struct IncompatibleFeatures: OptionSet, Sendable {
    let rawValue: UInt32
    static let fileType = IncompatibleFeatures(rawValue: 0x2)
    static let needsRecovery = IncompatibleFeatures(rawValue: 0x4)
    static let metaBlockGroups = IncompatibleFeatures(rawValue: 0x10)
    static let extents = IncompatibleFeatures(rawValue: 0x40)
    static let sixtyFourBit = IncompatibleFeatures(rawValue: 0x80)
    static let multipleMountProtection = IncompatibleFeatures(rawValue: 0x100)
    static let flexibleBlockGroups = IncompatibleFeatures(rawValue: 0x200)
    static let extendedAttributeInodes = IncompatibleFeatures(rawValue: 0x400)
    static let checksumSeed = IncompatibleFeatures(rawValue: 0x2000)
    static let largeDirectories = IncompatibleFeatures(rawValue: 0x4000)
    static let inlineData = IncompatibleFeatures(rawValue: 0x8000)
    static let encryption = IncompatibleFeatures(rawValue: 0x10000)
    static let caseFolding = IncompatibleFeatures(rawValue: 0x20000)

    /// What this driver reads. Not among them: compression (never finished), a journal device (has no files), and
    /// dirdata (Lustre's, which Linux does not read either).
    static let readable: IncompatibleFeatures = [
      .fileType, .needsRecovery, .metaBlockGroups, .extents, .sixtyFourBit, .multipleMountProtection,
      .flexibleBlockGroups, .extendedAttributeInodes, .checksumSeed, .largeDirectories, .inlineData, .encryption,
      .caseFolding,
    ]
  }

  /// `s_feature_ro_compat`: whoever does not know one can read all the same.
  struct ReadOnlyCompatibleFeatures: OptionSet, Sendable {
    let rawValue: UInt32
    static let sparseSuper = ReadOnlyCompatibleFeatures(rawValue: 0x1)
    static let hugeFiles = ReadOnlyCompatibleFeatures(rawValue: 0x8)
    static let groupChecksums = ReadOnlyCompatibleFeatures(rawValue: 0x10)
    static let bigAllocation = ReadOnlyCompatibleFeatures(rawValue: 0x200)
    static let metadataChecksums = ReadOnlyCompatibleFeatures(rawValue: 0x400)
    static let orphansPresent = ReadOnlyCompatibleFeatures(rawValue: 0x10000)
  }

  /// The names of all features that are set, in the order in which dumpe2fs prints them.
  static func featureNames(
    _ compatible: CompatibleFeatures, _ incompatible: IncompatibleFeatures, _ readOnly: ReadOnlyCompatibleFeatures
  ) -> [String] {
    names(of: compatible.rawValue, in: compatibleNames, kind: "C")
      + names(of: incompatible.rawValue, in: incompatibleNames, kind: "I")
      + names(of: readOnly.rawValue, in: readOnlyNames, kind: "R")
  }

  static func featureNames(_ incompatible: IncompatibleFeatures) -> [String] {
    names(of: incompatible.rawValue, in: incompatibleNames, kind: "I")
  }

  private static func names(of mask: UInt32, in names: [Int: String], kind: String) -> [String] {
    (0..<32).filter { mask >> UInt32($0) & 1 == 1 }.map { names[$0] ?? "FEATURE_\(kind)\($0)" }
  }

  private static let compatibleNames: [Int: String] = [
    0: "dir_prealloc", 1: "imagic_inodes", 2: "has_journal", 3: "ext_attr", 4: "resize_inode", 5: "dir_index",
    6: "lazy_bg", 8: "snapshot_bitmap", 9: "sparse_super2", 10: "fast_commit", 11: "stable_inodes",
    12: "orphan_file",
  ]

  private static let incompatibleNames: [Int: String] = [
    0: "compression", 1: "filetype", 2: "needs_recovery", 3: "journal_dev", 4: "meta_bg", 6: "extent", 7: "64bit",
    8: "mmp", 9: "flex_bg", 10: "ea_inode", 12: "dirdata", 13: "metadata_csum_seed", 14: "large_dir",
    15: "inline_data", 16: "encrypt", 17: "casefold",
  ]

  private static let readOnlyNames: [Int: String] = [
    0: "sparse_super", 1: "large_file", 3: "huge_file", 4: "uninit_bg", 5: "dir_nlink", 6: "extra_isize",
    7: "snapshot", 8: "quota", 9: "bigalloc", 10: "metadata_csum", 11: "replica", 12: "read-only", 13: "project",
    14: "shared_blocks", 15: "verity", 16: "orphan_present",
  ]
}
