/// Why there is no mount, or why one stays: one line for a person.
public struct MountError: Error, Sendable {
  public enum Kind: Sendable {
    /// The mount point is missing, not a folder, not empty, in use.
    case mountPoint
    /// The person may not do this.
    case notPermitted
    /// This system cannot do it (no /dev/fuse, no fusermount3), or refused.
    case system
    /// Something still uses the mount.
    case busy
    /// There is no such mount.
    case notMounted
  }

  public let kind: Kind
  /// What is wrong and what to do, without the name of what it is about.
  public let text: String

  public init(_ kind: Kind, _ text: String) {
    self.kind = kind
    self.text = text
  }
}
