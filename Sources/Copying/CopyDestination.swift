public import SystemPackage

/// The folder that a person wants something copied into; several copies into it know of one another.
public final class CopyDestination {
  let top: TargetFolder

  /// - Parameter path: of a folder that is there. Symbolic links in it are followed: they are the person's own.
  public init(_ path: [UInt8]) throws(Errno) {
    top = try TargetFolder(HostFolder(opening: path), named: path, in: nil, isNew: false)
  }
}
