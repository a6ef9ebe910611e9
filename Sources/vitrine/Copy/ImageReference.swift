internal import ArgumentParser
internal import Bytes
internal import Copying

/// `IMAGE:PATH`: a place in an image as an argument.
///
/// Names may have colons in them. The image is what stands before the first colon where a file of that name is; where
/// there is none, what stands before the first colon.
struct ImageReference {
  /// As an argument gives it.
  let image: String
  let path: [UInt8]

  /// nil where there is no colon to divide the argument at.
  init?(_ argument: String) {
    var first: (String, [UInt8])?
    var index = argument.unicodeScalars.startIndex
    let scalars = argument.unicodeScalars
    while let colon = scalars[index...].firstIndex(of: ":") {
      index = scalars.index(after: colon)
      guard colon > scalars.startIndex else { continue }
      let image = String(scalars[..<colon])
      let parts = (image, RawArguments.bytes(of: String(scalars[index...])))
      if first == nil { first = parts }
      if HostPath.exists(RawArguments.bytes(of: image)) {
        first = parts
        break
      }
    }
    guard let (image, path) = first else { return nil }
    self.image = image
    self.path = path.isEmpty ? [UInt8(ascii: "/")] : path
  }
}
