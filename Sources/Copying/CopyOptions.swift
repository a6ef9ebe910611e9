/// What a copy keeps, and how it goes.
public struct CopyOptions: Sendable {
  /// Folders with all that is in them.
  public var isRecursive = false
  /// Modes, times, extended attributes and access lists, and owners where that is permitted.
  public var keepsAttributes = false
  /// Names of one file stay names of one file.
  public var keepsLinks = false
  /// Symbolic links that are named are copied themselves, not what they lead to.
  public var keepsSymbolicLinks = false
  /// Symbolic links that a copy comes upon are followed, within the image; one that leads nowhere is not copied.
  public var followsLinks = false
  /// What stays of what is there.
  public var existing = Existing.replaced
  /// Permissions that new files never have, where the image's modes are not kept.
  public var mask: UInt16 = 0o022

  public init() {}

  public enum Existing: Sendable {
    /// Nothing: files are replaced.
    case replaced
    /// What was changed at the same time as what is to be copied, or later.
    case keptUnlessOlder
    /// All of it.
    case kept
  }
}
