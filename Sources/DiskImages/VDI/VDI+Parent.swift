internal import BlockDevices
internal import Bytes
internal import SystemPackage

extension VDI {
  /// Files that are looked at, at most, to find a parent.
  private static let candidateLimit = 256

  /// A parent that was found, and what is to be said of it.
  struct Parent {
    let image: DiskImage
    let notices: [String]
  }

  /// Opens the parent of a differencing image: the image with its UUID in the same folder. VirtualBox keeps the parents
  /// of snapshots one folder above; there it is looked for only where files outside of the folder may be opened.
  /// - Throws: `.damaged` where it is not the disk that the image was made from, unless it was chosen by hand.
  static func parent(of file: ImageFile, _ header: Header) throws(ImageError) -> Parent {
    let isChosen = file.options.backingFile != nil
    let name = isChosen ? nil : Self.name(of: header.parentID, beside: file)
    if !isChosen && name == nil {
      throw ImageError(
        .missing(
          "has a parent whose UUID is \(header.parentID.text), and no .vdi file beside it is that; "
            + "name it with --backing-file"))
    }
    let image = try file.openParent(name.map { [$0] } ?? [], format: .vdi)
    return Parent(image: image, notices: try check(image, against: header, isChosen: isChosen))
  }

  /// The name, relative to the image, of the file that holds the image `id`; nil where none does.
  private static func name(of id: UniqueID, beside file: ImageFile) -> String? {
    let folder = file.path.removingLastComponent()
    for place in file.opening.allowsExternalFiles ? [".", ".."] : ["."] {
      let names = FolderListing.names(
        in: folder.isEmpty ? FilePath(place) : folder.appending(place), endingIn: ".vdi", limit: candidateLimit)
      for name in names {
        let path = "\(place)/\(name.string)"
        guard let candidate = try? file.opening.peek(path, namedBy: file.path),
          let bytes = try? candidate.bytes(Int(min(candidate.size, UInt64(Header.size))), at: 0),
          let header = try? Header(bytes), header.id == id
        else { continue }
        return path
      }
    }
    return nil
  }

  /// Whether `image` is the parent that the header is about.
  private static func check(
    _ image: DiskImage, against header: Header, isChosen: Bool
  ) throws(ImageError) -> [String] {
    let path = Escaped.text(image.path.string)
    guard let found = (image.disk as? ComposedDevice<VDI>)?.map.header else {
      return ["its parent \(path) was chosen by hand, and is no VDI: whether it is the right one cannot be told"]
    }
    guard found.id == header.parentID else {
      let difference = "its parent has the UUID \(header.parentID.text), and \(path) has \(found.id.text)"
      guard isChosen else {
        throw .damaged("cannot be read with that parent: \(difference); --backing-file takes it all the same")
      }
      return [difference]
    }
    let noted = header.parentModificationID
    return noted.isNil || noted == found.modificationID
      ? [] : ["its parent \(path) was written to after this image had been made of it"]
  }
}
