internal import Bytes

/// What entries of a directory can be called, in any format.
extension RawSpan {
  /// Whether the name is "." or "..".
  var isSelfOrParent: Bool {
    switch byteCount {
    case 1: self[0] == UInt8(ascii: ".")
    case 2: self[0] == UInt8(ascii: ".") && self[1] == UInt8(ascii: ".")
    default: false
    }
  }

  /// Whether a file can be called this: not empty, and neither a slash nor NUL in it. How long names may be is for the
  /// format to say.
  var isFileName: Bool {
    for index in 0..<byteCount where self[index] == 0 || self[index] == UInt8(ascii: "/") { return false }
    return byteCount > 0
  }
}
