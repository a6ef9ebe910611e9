internal import BlockDevices
internal import Bytes
internal import SystemPackage

extension VHD {
  /// The longest path that Windows has, in UTF-16.
  private static let longestLocator: UInt32 = 65536

  /// Opens the parent of a differencing image.
  /// - Returns: it, what the child calls it, and what is to be said of it.
  /// - Throws: `.damaged` where it is not the disk that the image was made from, unless it was chosen by hand.
  static func parent(
    of file: ImageFile, _ header: DynamicHeader
  ) throws(ImageError) -> (DiskImage, name: String?, notices: [String]) {
    var locators: [(platform: [UInt8], data: [UInt8])] = []
    for locator in header.locators where 1...longestLocator ~= locator.length {
      // One that cannot be read is as good as not there: there are others, and whatever file they lead to is checked.
      guard let data = try? file.bytes(Int(locator.length), at: locator.offset) else { continue }
      locators.append((locator.platform, data))
    }
    let names = ParentNames(locators: locators, headerName: header.parentName)
    let parent = try IdentifiedParent<VHD>(of: file, named: names.paths, identifiers: [header.parentID.text])
    var notices = parent.notices
    if let footer = parent.disk?.footer, footer.uniqueID == header.parentID,
      hasChanged(parent.image, footer, since: header.parentTimeStamp)
    {
      notices.append(
        "its parent \(Escaped.text(parent.image.path.string)) has another time stamp than was noted: it was copied, or "
          + "changed since")
    }
    return (parent.image, names.original, notices)
  }

  /// Some programs note the time that the parent's footer has, and others the time of its file.
  private static func hasChanged(_ image: DiskImage, _ footer: Footer, since noted: UInt32) -> Bool {
    guard noted != 0, noted != footer.timeStamp, let file = image.files.first else { return false }
    // Filesystems like FAT keep times in steps of two seconds.
    let noted = Int64(noted) + Footer.epoch
    return abs(file.modificationTime.subtractingReportingOverflow(noted).partialValue) > 2
  }
}
