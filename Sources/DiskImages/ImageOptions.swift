public import BlockDevices
public import SystemPackage

/// How an image is to be opened.
public struct ImageOptions: Sendable {
  /// nil to find out by its content.
  public var format: ImageFormat?
  /// Name or ID of the snapshot to show; nil for the present state.
  public var snapshot: String?
  /// Stands in for the backing file (or parent) that the image names.
  public var backingFile: FilePath?
  /// The further devices that a filesystem in the image spreads to, in order.
  public var devices: [FilePath] = []
  /// Whether files outside of the image's folder that it names (backing files, extents) may be opened.
  public var allowsExternalFiles = false
  /// Where decoded clusters are kept; nil to decode them for each read.
  public var units: UnitCache? = UnitCache()

  public init() {}
}
