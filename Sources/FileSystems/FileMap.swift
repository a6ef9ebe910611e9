public import BlockDevices
public import Bytes
internal import SystemPackage

/// A regular file's extents as a map: through `ComposedDevice` the file is a device like any other, so an image
/// inside an image opens with no code of its own.
public final class FileMap: ExtentMap {
  public let fileSystem: any FileSystem
  public let node: NodeID
  public let size: UInt64
  public let sources: [any BlockDevice]

  public init(of node: NodeID, size: UInt64, in fileSystem: any FileSystem) {
    self.fileSystem = fileSystem
    self.node = node
    self.size = size
    sources = fileSystem.sources
  }

  public func map(_ range: Range<UInt64>, into extents: inout ExtentList) throws(ReadError) {
    try fileSystem.map(node, range, into: &extents)
  }

  public var decoder: any UnitDecoder { fileSystem }
}

extension FileSystem {
  /// The regular file `node` as a device.
  /// - Throws: `.io(.isDirectory)` and the like for what has no bytes to read.
  public func file(_ node: NodeID) throws(ReadError) -> ComposedDevice<FileMap> {
    let attributes = try attributes(of: node)
    switch attributes.type {
    case .regular: return ComposedDevice(FileMap(of: node, size: attributes.size, in: self), units: units)
    case .directory: throw .io(.isDirectory, "file", at: node.rawValue)
    default: throw .io(.invalidArgument, "file", at: node.rawValue)
    }
  }
}
