internal import Browsing
internal import CFuse
internal import FileSystems
internal import Glibc

extension Session {
  /// As stat(2) shows a node, with the owner and masks of the mount's options.
  func status(_ facts: NodeFacts) -> stat {
    let attributes = facts.attributes
    var status = stat()
    status.st_ino = ino_t(facts.statNumber)
    let mask = attributes.type == .directory ? options.directoryMask : options.fileMask
    // Nothing asks for the mode of a symbolic link, and it is 0777 everywhere.
    let permissions = attributes.type == .symbolicLink ? attributes.permissions : attributes.permissions & ~mask
    status.st_mode = mode_t(attributes.type.rawValue | (permissions & 0o7777))
    status.st_nlink = nlink_t(attributes.linkCount)
    status.st_uid = options.owner ?? attributes.owner
    status.st_gid = options.group ?? attributes.group
    status.st_size = off_t(clamping: attributes.size)
    status.st_blocks = blkcnt_t(
      clamping: attributes.allocatedSize / 512 + (attributes.allocatedSize % 512 == 0 ? 0 : 1))
    status.st_blksize = 4096
    status.st_atim = Self.time(attributes.accessed)
    status.st_mtim = Self.time(attributes.modified)
    status.st_ctim = Self.time(attributes.changed)
    if let device = attributes.deviceNumber { status.st_rdev = Self.number(of: device) }
    return status
  }

  /// What a name leads to, with everything about it, for as long as the kernel likes to keep it.
  func entry(_ facts: NodeFacts) -> fuse_entry_param {
    var entry = fuse_entry_param()
    entry.ino = facts.number
    entry.generation = UInt64(facts.attributes.generation)
    entry.attr = status(facts)
    entry.attr_timeout = timeout
    entry.entry_timeout = timeout
    return entry
  }

  private static func time(_ time: Timestamp) -> timespec {
    timespec(tv_sec: time_t(time.seconds), tv_nsec: Int(time.nanoseconds))
  }

  /// As makedev(3) puts the two together.
  private static func number(of device: DeviceNumber) -> dev_t {
    let major = UInt64(device.major)
    let minor = UInt64(device.minor)
    return dev_t((major & 0xFFF) << 8 | (major & ~0xFFF) << 32 | (minor & 0xFF) | (minor & ~0xFF) << 12)
  }
}
