/// Something that `inspect` tells of filesystems of some formats only: how contents are compressed, say.
public struct FileSystemDetail: Sendable, Equatable {
  public enum Value: Sendable, Equatable {
    case text(String)
    case texts([String])
    case count(UInt64)
    /// Bytes.
    case size(UInt64)
    /// Bytes, and what they stand for.
    case part(UInt64, of: UInt64)
  }

  /// One word in lower case, of at most eleven letters: "compression".
  public let name: String
  public let value: Value

  public init(_ name: String, _ value: Value) {
    self.name = name
    self.value = value
  }
}
