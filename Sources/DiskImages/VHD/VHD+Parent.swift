internal import BlockDevices
internal import Bytes
internal import SystemPackage

extension VHD {
  /// A parent that was found, and what is to be said of it.
  struct Parent {
    let image: DiskImage
    /// As the child calls it.
    let name: String?
    let notices: [String]
  }

  /// The longest path that Windows has, in UTF-16.
  private static let longestLocator: UInt32 = 65536

  /// Opens the parent of a differencing image.
  /// - Throws: `.damaged` where it is not the disk that the image was made from, unless it was chosen by hand.
  static func parent(of file: ImageFile, _ header: DynamicHeader) throws(ImageError) -> Parent {
    var locators: [(platform: [UInt8], data: [UInt8])] = []
    for locator in header.locators where 1...longestLocator ~= locator.length {
      // One that cannot be read is as good as not there: there are others, and whatever file they lead to is checked.
      guard let data = try? file.bytes(Int(locator.length), at: locator.offset) else { continue }
      locators.append((locator.platform, data))
    }
    let names = ParentNames(locators: locators, headerName: header.parentName)
    let image = try file.openParent(names.paths, format: .vpc)
    return Parent(
      image: image, name: names.original,
      notices: try check(image, against: header, isChosen: file.options.backingFile != nil))
  }

  /// Whether `image` is the parent that the header is about.
  private static func check(
    _ image: DiskImage, against header: DynamicHeader, isChosen: Bool
  ) throws(ImageError) -> [String] {
    let path = Escaped.text(image.path.string)
    guard let footer = (image.disk as? ComposedDevice<VHD>)?.map.footer else {
      return ["its parent \(path) was chosen by hand, and is no VHD: whether it is the right one cannot be told"]
    }
    guard footer.uniqueID == header.parentID else {
      let difference = "its parent has the UUID \(header.parentID.text), and \(path) has \(footer.uniqueID.text)"
      guard isChosen else {
        throw .damaged("cannot be read with that parent: \(difference); --backing-file takes it all the same")
      }
      return [difference]
    }
    return hasChanged(image, footer, since: header.parentTimeStamp)
      ? ["its parent \(path) has another time stamp than was noted: it was copied, or changed since"] : []
  }

  /// Some programs note the time that the parent's footer has, and others the time of its file.
  private static func hasChanged(_ image: DiskImage, _ footer: Footer, since noted: UInt32) -> Bool {
    guard noted != 0, noted != footer.timeStamp, let file = image.files.first else { return false }
    // Filesystems like FAT keep times in steps of two seconds.
    let noted = Int64(noted) + Footer.epoch
    return abs(file.modificationTime.subtractingReportingOverflow(noted).partialValue) > 2
  }
}
