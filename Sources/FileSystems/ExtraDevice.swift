/// A device besides the one that a filesystem was opened on, as the filesystem knows it.
public struct ExtraDevice: Sendable {
  /// From 1 on.
  public let number: Int
  /// What the filesystem calls it, a file's name or a digest in text; bytes as on the disk, empty for none.
  public let tag: [UInt8]
  /// Bytes that the filesystem uses of it at least; 0 where it does not say.
  public let size: UInt64

  public init(number: Int, tag: [UInt8], size: UInt64) {
    self.number = number
    self.tag = tag
    self.size = size
  }
}
