internal import BlockDevices
internal import Bytes
internal import SystemPackage

/// A file in numbered parts: `disk.001`, `disk.002` …, or `disk.raw.00` …, as imaging tools and split(1) make them.
/// The first is named, and the others lie beside it.
struct SplitFile {
  /// All parts, in order.
  let files: [HostFile]
  let device: any BlockDevice

  /// nil where `first` is no first part, or the only one.
  init?(startingWith first: HostFile, opening: ImageOpening) throws(ImageError) {
    guard let name = first.path.lastComponent?.string, let numbers = PartNumbers(of: name) else { return nil }
    let folder = first.path.removingLastComponent()
    var files = [first]
    while let next = numbers.name(ofPart: files.count) {
      do throws(ImageError) {
        files.append(try opening.open(folder.appending(next).string, namedBy: first.path, isLiteral: true))
      } catch {
        guard case .cannotOpen(.noSuchFileOrDirectory) = error.kind else { throw error }
        break
      }
    }
    try Self.checkEnd(after: files.count, numbers, in: folder)
    guard files.count > 1 else { return nil }
    self.files = files
    let segments = files.indices.map { SegmentMap.Segment(source: $0, length: files[$0].size) }
    device = ComposedDevice(
      try ImageError.wrapping { () throws(ReadError) in try SegmentMap(segments, of: files) })
  }

  /// A part that is missing while later ones are there is no end.
  private static func checkEnd(after count: Int, _ numbers: PartNumbers, in folder: FilePath) throws(ImageError) {
    guard let missing = numbers.name(ofPart: count) else { return }
    for later in (count + 1)..<(count + 9) {
      guard let name = numbers.name(ofPart: later) else { return }
      if (try? FileLocation(folder.appending(name))) != nil {
        throw .damaged("lacks its part \(Escaped.text(missing)), though \(Escaped.text(name)) is there")
      }
    }
  }
}

/// How the parts of a file are numbered.
private struct PartNumbers {
  /// What stands before the number, with the dot.
  let stem: String
  /// Digits.
  let width: Int
  /// The number of the first part: 0 or 1.
  let first: Int

  /// nil for a name that is not one of a first part.
  init?(of name: String) {
    guard let dot = name.lastIndex(of: "."), dot != name.startIndex else { return nil }
    let digits = name[name.index(after: dot)...]
    guard (2...4).contains(digits.count), digits.allSatisfy({ $0.isASCII && $0.isNumber }), let number = Int(digits),
      number <= 1
    else { return nil }
    stem = String(name[...dot])
    width = digits.count
    first = number
  }

  /// nil where the digits do not suffice.
  func name(ofPart index: Int) -> String? {
    let digits = String(first + index)
    guard digits.count <= width else { return nil }
    return stem + String(repeating: "0", count: width - digits.count) + digits
  }
}
