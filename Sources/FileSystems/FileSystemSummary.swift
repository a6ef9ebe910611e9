internal import Bytes

/// What a filesystem says of itself: for `inspect`, statfs(2), and the names under which a mount shows it.
public struct FileSystemSummary: Sendable {
  /// As libblkid names it: "ext4".
  public var type: String
  /// Bytes as on the disk; empty for none.
  public var label: [UInt8]
  /// As libblkid writes it; nil where there is none.
  public var uuid: String?
  /// Bytes.
  public var blockSize: UInt32
  /// In blocks, as statfs(2) counts them (without the filesystem's own overhead where the kernel leaves it out).
  public var blockCount: UInt64
  public var freeBlockCount: UInt64
  /// Free blocks that are not reserved for root.
  public var availableBlockCount: UInt64
  public var inodeCount: UInt64
  public var freeInodeCount: UInt64
  /// Longest name, in bytes.
  public var maximumNameLength: UInt32
  /// Bytes from the start of the device that the filesystem takes, by its own word.
  public var size: UInt64
  /// Named as the format's own tools do ("64bit", "metadata_csum").
  public var features: [String]
  public var created: Timestamp?
  public var lastMounted: Timestamp?
  public var lastWritten: Timestamp?
  /// The path it was last mounted at, where it says so.
  public var lastMountPoint: String?
  /// Whether it was left clean.
  public var isClean: Bool
  /// Whether the format is written once and for all: nothing in it is free, and there is no state to be left in.
  public var isSealed: Bool
  /// What a person should know, one clear line each: "journal needs recovery: …", "superblock is damaged: using the
  /// backup at block 32768". `mount` prints them as warnings, `inspect` as state.
  public var notices: [String]

  public init(
    type: String, label: [UInt8] = [], uuid: String? = nil, blockSize: UInt32, blockCount: UInt64,
    freeBlockCount: UInt64, availableBlockCount: UInt64, inodeCount: UInt64, freeInodeCount: UInt64,
    maximumNameLength: UInt32 = 255, size: UInt64, features: [String] = [], created: Timestamp? = nil,
    lastMounted: Timestamp? = nil, lastWritten: Timestamp? = nil, lastMountPoint: String? = nil, isClean: Bool = true,
    isSealed: Bool = false, notices: [String] = []
  ) {
    self.type = type
    self.label = label
    self.uuid = uuid
    self.blockSize = blockSize
    self.blockCount = blockCount
    self.freeBlockCount = freeBlockCount
    self.availableBlockCount = availableBlockCount
    self.inodeCount = inodeCount
    self.freeInodeCount = freeInodeCount
    self.maximumNameLength = maximumNameLength
    self.size = size
    self.features = features
    self.created = created
    self.lastMounted = lastMounted
    self.lastWritten = lastWritten
    self.lastMountPoint = lastMountPoint
    self.isClean = isClean
    self.isSealed = isSealed
    self.notices = notices
  }

  /// What is to be said of a filesystem of `size` bytes on a device of `deviceSize`, which may have been cut short.
  static func truncationNotices(size: UInt64, deviceSize: UInt64) -> [String] {
    guard size > deviceSize else { return [] }
    return ["truncated: the filesystem has \(size) bytes, of which the last \(size - deviceSize) are missing"]
  }

  /// The UUID that a superblock has, as text; nil where its 16 bytes are zero, which stands for none.
  static func uuid(_ bytes: [UInt8]) -> String? {
    bytes.contains { $0 != 0 } ? uuidText(bytes) : nil
  }
}
