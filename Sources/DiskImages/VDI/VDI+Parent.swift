internal import BlockDevices
internal import Bytes
internal import SystemPackage

extension VDI {
  /// Files that are looked at, at most, to find a parent.
  private static let candidateLimit = 256

  /// Opens the parent of a differencing image: the image with its UUID in the same folder. VirtualBox keeps the parents
  /// of snapshots one folder above; there it is looked for only where files outside of the folder may be opened.
  /// - Throws: `.damaged` where it is not the disk that the image was made from, unless it was chosen by hand.
  static func parent(of file: ImageFile, _ header: Header) throws(ImageError) -> (DiskImage, notices: [String]) {
    let isChosen = file.options.backingFile != nil
    let name = isChosen ? nil : Self.name(of: header.parentID, beside: file)
    if !isChosen && name == nil {
      throw ImageError(
        .missing(
          "has a parent whose UUID is \(header.parentID.text), and no .vdi file beside it is that; "
            + "name it with --backing-file"))
    }
    let parent = try IdentifiedParent<VDI>(
      of: file, named: name.map { [$0] } ?? [], identifiers: [header.parentID.text])
    var notices = parent.notices
    let noted = header.parentModificationID
    if let found = parent.disk?.header, found.id == header.parentID, !noted.isZero, noted != found.modificationID {
      notices.append(
        "its parent \(Escaped.text(parent.image.path.string)) was written to after this image had been made of it")
    }
    return (parent.image, notices)
  }

  /// The name, relative to the image, of the file that holds the image `id`; nil where none does.
  private static func name(of id: GUID, beside file: ImageFile) -> String? {
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
}
