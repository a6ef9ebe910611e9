internal import Bytes

/// A line of the descriptor that tells of an extent ("Virtual Disk Format 5.0", "The Extents Description"):
///
///     RW 4192256 SPARSE "disk-s001.vmdk"
///     RW 4192256 FLAT "disk-f001.vmdk" 0
///     RW 63 ZERO
///
/// Further words, such as the identity of a raw partition, say nothing of where the bytes are.
struct ExtentLine: Sendable, Equatable {
  enum Access: String, Sendable {
    case readWrite = "RW"
    case readOnly = "RDONLY"
    case none = "NOACCESS"
  }

  let access: Access
  let sectors: UInt64
  /// In capitals: FLAT, SPARSE, ZERO, VMFS, VMFSSPARSE, SESPARSE, VMFSRDM, VMFSRAW; or what nobody knows.
  let type: String
  /// nil where the line names no file.
  let name: String?
  /// Where in the file the extent begins, in sectors.
  let offset: UInt64

  /// nil for a line that is about something else.
  init?(parsing line: Substring) throws(ImageError) {
    var rest = line
    guard let access = Access(rawValue: Self.word(from: &rest).uppercased()) else { return nil }
    guard let sectors = UInt64(Self.word(from: &rest)) else { throw Self.damaged(line) }
    let type = Self.word(from: &rest).uppercased()
    guard !type.isEmpty else { throw Self.damaged(line) }
    self.access = access
    self.sectors = sectors
    self.type = type
    guard let quote = rest.first else {
      name = nil
      offset = 0
      return
    }
    guard quote == "\"", let end = rest.dropFirst().firstIndex(of: "\"") else { throw Self.damaged(line) }
    name = String(rest[rest.index(after: rest.startIndex)..<end])
    rest = rest[rest.index(after: end)...].drop { DescriptorText.isBlank($0) }
    let place = Self.word(from: &rest)
    guard place.first?.isNumber == true else {
      offset = 0
      return
    }
    guard let offset = UInt64(place) else { throw Self.damaged(line) }
    self.offset = offset
  }

  /// Takes a word and the blanks behind it away from `text`.
  private static func word(from text: inout Substring) -> String {
    let word = text.prefix { !DescriptorText.isBlank($0) }
    text = text[word.endIndex...].drop { DescriptorText.isBlank($0) }
    return String(word)
  }

  private static func damaged(_ line: Substring) -> ImageError {
    .damaged("has a line in its descriptor that tells of no extent: \(Escaped.text(String(line.prefix(80))))")
  }
}
