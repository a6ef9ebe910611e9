internal import Bytes

/// A POSIX access list as an extended attribute holds it (Linux, include/uapi/linux/posix_acl_xattr.h):
///
///     version:4 = 2 | entry | entry | …     entry: tag:2 | permissions:2 | id:4     all little-endian
enum AccessList {
  static let accessName = Array("system.posix_acl_access".utf8)
  static let defaultName = Array("system.posix_acl_default".utf8)

  /// The list as acl(5) has it, an entry on each line, with numbers for users and groups.
  static func text(of value: [UInt8]) throws(ReadError) -> [UInt8] {
    let subject: StaticString = "access list"
    let span = value.rawSpan
    guard try span.le32(0, of: subject) == 2, (span.byteCount - 4) % 8 == 0 else { throw .corrupt(subject) }
    var text = ""
    for offset in stride(from: 4, to: span.byteCount, by: 8) {
      let permissions = try span.le16(offset + 2, of: subject)
      let id = try span.le32(offset + 4, of: subject)
      switch try span.le16(offset, of: subject) {
      case 0x01: text += "user::"
      case 0x02: text += "user:\(id):"
      case 0x04: text += "group::"
      case 0x08: text += "group:\(id):"
      case 0x10: text += "mask::"
      case 0x20: text += "other::"
      default: throw .corrupt(subject)
      }
      text += permissions & 4 != 0 ? "r" : "-"
      text += permissions & 2 != 0 ? "w" : "-"
      text += permissions & 1 != 0 ? "x\n" : "-\n"
    }
    return Array(text.utf8)
  }
}
