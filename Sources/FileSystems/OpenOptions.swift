public import BlockDevices
public import Bytes

/// How to open a filesystem.
public struct OpenOptions: Sendable {
  /// Bytes that a driver may keep of metadata, for all its caches together.
  public var metadataBudget: Int
  /// Where decoded units of files are kept; nil to decode them anew for each read.
  public var units: UnitCache?
  /// Finds a further device that a filesystem spreads to; nil where it is not known where that is. Without, none is
  /// looked for.
  public var findDevice: (@Sendable (ExtraDevice) throws(ReadError) -> (any BlockDevice)?)?

  public init(metadataBudget: Int = 8 << 20, units: UnitCache? = nil) {
    self.metadataBudget = metadataBudget
    self.units = units
  }
}

/// Why something cannot be opened.
public enum OpenError: Error, Sendable {
  /// Not this format at all: nothing of it is there.
  case notRecognized
  /// The format, but using features that are not read: their names.
  case unsupported(features: [String])
  /// The format, but what it needs to be opened cannot be read.
  case unreadable(ReadError)
}
