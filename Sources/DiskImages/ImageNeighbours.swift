public import BlockDevices
internal import Bytes
public import SystemPackage

/// Files beside an image that what is in the image names: the further devices of a filesystem.
///
/// Whoever made the image chose the names, so the same holds as for the files that an image itself consists of: what lies
/// outside of the image's folder is refused, unless the options allow it.
public struct ImageNeighbours: Sendable {
  private let path: FilePath
  private let options: ImageOptions

  /// - Parameter path: of the image.
  public init(of path: FilePath, options: ImageOptions) {
    self.path = path
    self.options = options
  }

  /// Opens the file called `name`, relative to the image's folder; nil where there is none.
  public func open(_ name: String) throws(ImageError) -> HostFile? {
    guard !name.isEmpty, !name.utf8.contains(0) else { return nil }
    let named = path.removingLastComponent().pushing(FilePath(name))
    do throws(ImageError) {
      return try ImageOpening(image: path, options: options).open(named.string, namedBy: path, isLiteral: true)
    } catch {
      switch error.kind {
      case .cannotOpen(.noSuchFileOrDirectory), .cannotOpen(.notDirectory), .cannotOpen(.fileNameTooLong): return nil
      default: throw error
      }
    }
  }
}
