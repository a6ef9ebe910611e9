internal import Bytes

/// POSIX access control lists.
///
/// On the disk (fs/ext4/acl.h) a list is a version (1) and entries of a tag and permissions, with an id only where the
/// tag needs one. getxattr(2) gives the form of <linux/posix_acl_xattr.h>: version 2, every entry with an id.
///
///     disk   version:4 | tag:2 perm:2 | tag:2 perm:2 id:4 | …
///     xattr  version:4 | tag:2 perm:2 id:4 | …
extension Ext4 {
  /// The value that getxattr(2) gives for an ACL, or nil where the list is empty: then the kernel says that there is
  /// no such attribute.
  /// - Throws: `.corrupt` where the list is cut short or has tags that do not exist; `.unsupported` where its version
  ///   is not 1.
  static func posixACL(fromDisk list: RawSpan) throws(ReadError) -> [UInt8]? {
    let subject: StaticString = "access control list"
    guard try list.le32(0, of: subject) == 1 else { throw .unsupported("version of access control list") }
    var offset = 4
    guard offset < list.byteCount else { return nil }
    var value: [UInt8] = []
    value.reserveCapacity(4 + (list.byteCount - 4) * 2)
    value.append(littleEndian: UInt32(2))
    while offset < list.byteCount {
      let tag = try list.le16(offset, of: subject)
      let permissions = try list.le16(offset + 2, of: subject)
      offset += 4
      var id = UInt32.max
      switch ACLTag(rawValue: tag) {
      case .user, .group:
        id = try list.le32(offset, of: subject)
        offset += 4
      case .owner, .owningGroup, .mask, .others: break
      case nil: throw .corrupt(subject, at: UInt64(offset - 4))
      }
      value.append(littleEndian: tag)
      value.append(littleEndian: permissions)
      value.append(littleEndian: id)
    }
    return value
  }

  /// ACL_USER_OBJ, ACL_USER, ACL_GROUP_OBJ, ACL_GROUP, ACL_MASK and ACL_OTHER of <sys/acl.h>.
  private enum ACLTag: UInt16 {
    case owner = 0x01
    case user = 0x02
    case owningGroup = 0x04
    case group = 0x08
    case mask = 0x10
    case others = 0x20
  }
}

extension [UInt8] {
  fileprivate mutating func append(littleEndian value: some FixedWidthInteger) {
    var rest = value
    for _ in 0..<(value.bitWidth / 8) {
      append(UInt8(truncatingIfNeeded: rest))
      rest >>= 8
    }
  }
}
