internal import BlockDevices
internal import Bytes
internal import SystemPackage

/// A format whose images know their parents by an identifier, and not by a name alone.
protocol IdentifiedDisk: VirtualDisk {
  /// What the format calls the identifier: "UUID".
  static var identifierTerm: String { get }
  /// Whether writing to a disk gives it another identifier.
  static var identifierTellsContents: Bool { get }

  /// As text; nil where the image has none.
  var identifier: String? { get }
}

/// A parent that was opened and compared with what its child says of it.
///
/// One that is another is an error: its bytes would be wrong, and nobody would see it. Whoever named it by hand has
/// decided otherwise, and is told.
struct IdentifiedParent<Disk: IdentifiedDisk> {
  let image: DiskImage
  /// What the parent's format tells of it; nil where that is another than the child's.
  let disk: Disk?
  /// What is to be said of the parent, one clear line each.
  let notices: [String]

  /// - Parameters:
  ///   - names: as `ImageFile.openParent` has them.
  ///   - identifiers: of which the parent has one.
  /// - Throws: `.damaged` where it is not the disk that the child was made on, unless it was chosen by hand.
  init(of child: ImageFile, named names: [String], identifiers: [String]) throws(ImageError) {
    image = try child.openParent(names, format: Disk.format)
    disk = (image.disk as? ComposedDevice<Disk>)?.map
    let path = Escaped.text(image.path.string)
    guard let disk else {
      // Any other that the image names itself was refused when it was opened.
      notices = [
        "its parent \(path) was chosen by hand, and is no \(Disk.format.title): "
          + "whether it is the right one cannot be told"
      ]
      return
    }
    if let found = disk.identifier, identifiers.contains(found) {
      notices = []
      return
    }
    let expected = identifiers.isEmpty ? "(none)" : identifiers.joined(separator: " or ")
    let difference =
      "was made on a disk with the \(Disk.identifierTerm) \(expected), and its parent \(path) has "
      + "\(disk.identifier ?? "(none)"): it is another" + (Disk.identifierTellsContents ? ", or was changed since" : "")
    guard child.options.backingFile != nil else {
      throw .damaged("\(difference); --backing-file takes it all the same")
    }
    notices = [difference]
  }
}
