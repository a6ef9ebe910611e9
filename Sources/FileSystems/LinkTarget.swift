internal import Bytes

/// The target of a symbolic link, in any format.
enum LinkTarget {
  /// Bytes. PATH_MAX − 1: what readlink(2) can give.
  static let longest: UInt64 = 4095

  /// The target of `size` bytes that `read` gives, which is asked for no more than `longest` bytes.
  /// - Parameter number: the link's, for errors.
  /// - Throws: `.corrupt` where it is empty or too long, or has a NUL in it.
  static func checked(
    size: UInt64, of number: UInt64, _ read: (Int) throws(ReadError) -> [UInt8]
  ) throws(ReadError) -> [UInt8] {
    guard size > 0, size <= longest else { throw .corrupt("symbolic link", at: number) }
    let target = try read(Int(size))
    guard !target.contains(0) else { throw .corrupt("symbolic link", at: number) }
    return target
  }
}
