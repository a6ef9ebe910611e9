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

  /// nil where the argument has no path.
  init?(_ argument: String) {
    var isThere = false
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
        isThere = true
        break
      }
    }
    // The whole of it may be an image whose name has a colon.
    guard let (image, path) = first, isThere || !HostPath.exists(RawArguments.bytes(of: argument)) else { return nil }
    self.image = image
    self.path = path.isEmpty ? [UInt8(ascii: "/")] : path
  }
}
