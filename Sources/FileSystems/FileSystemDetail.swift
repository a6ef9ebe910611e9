/// Something that only some formats have to tell of themselves: for `inspect`.
public struct FileSystemDetail: Sendable, Equatable {
  public enum Value: Sendable, Equatable {
    case text(String)
    case count(UInt64)
    /// Bytes, and of how many they are a part.
    case part(UInt64, of: UInt64)
  }

  /// One or two words in lower case: "compression".
  public let name: String
  public let value: Value

  public init(_ name: String, _ value: Value) {
    self.name = name
    self.value = value
  }
}
