internal import BlockDevices
public import DiskImages
public import FileSystems
internal import Glibc
internal import SystemPackage

/// What the image's own file says of its owner, mode and time: the nodes that a tree adds take them over, so that
/// nobody may read a raw device in a mount who may not read the image.
public struct ImageOrigin: Sendable {
  public var owner: UInt32
  public var group: UInt32
  /// Read permission of user, group and others.
  public var readPermissions: UInt16
  public var modified: Timestamp

  public init(owner: UInt32, group: UInt32, readPermissions: UInt16, modified: Timestamp) {
    self.owner = owner
    self.group = group
    self.readPermissions = readPermissions & 0o444
    self.modified = modified
  }

  /// Owner and time of the file that was opened, and what may be read of all the files that make up the disk.
  public init(of image: DiskImage) {
    guard let first = image.files.first, let status = Self.status(of: first) else {
      self.init(owner: geteuid(), group: getegid(), readPermissions: 0o400, modified: Timestamp(seconds: 0))
      return
    }
    self.init(
      owner: status.st_uid, group: status.st_gid, readPermissions: UInt16(truncatingIfNeeded: status.st_mode),
      modified: Timestamp(
        seconds: Int64(status.st_mtim.tv_sec), nanoseconds: UInt32(clamping: status.st_mtim.tv_nsec)))
    for other in sequence(first: image, next: \.parent).flatMap(\.files) {
      readPermissions &= UInt16(truncatingIfNeeded: Self.status(of: other)?.st_mode ?? 0)
    }
  }

  private static func status(of file: HostFile) -> stat? {
    var status = stat()
    // Safe: the descriptor is open as long as `file` lives, and `status` is a stat.
    return unsafe fstat(file.descriptor.rawValue, &status) == 0 ? status : nil
  }

  func attributes(_ type: NodeType, size: UInt64 = 0, allocated: UInt64 = 0, links: UInt32 = 1) -> Attributes {
    let permissions: UInt16 =
      switch type {
      case .directory: 0o555
      case .symbolicLink: 0o777
      default: readPermissions
      }
    return Attributes(
      type: type, permissions: permissions, linkCount: links, owner: owner, group: group, size: size,
      allocatedSize: allocated, accessed: modified, modified: modified, changed: modified)
  }
}
