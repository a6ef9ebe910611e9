/// What stat(2) and statx(2) tell of a node.
public struct Attributes: Sendable, Equatable {
  public var type: NodeType
  /// The permission bits with set-user-id, set-group-id and sticky: the low 12 bits of `st_mode`.
  public var permissions: UInt16
  public var linkCount: UInt32
  public var owner: UInt32
  public var group: UInt32
  /// Bytes.
  public var size: UInt64
  /// Bytes of space taken, as `st_blocks` × 512 would say.
  public var allocatedSize: UInt64
  public var accessed: Timestamp
  public var modified: Timestamp
  public var changed: Timestamp
  /// Creation, where the format has it.
  public var created: Timestamp?
  /// The device that a character or block special node stands for.
  public var deviceNumber: DeviceNumber?
  /// Tells apart the nodes that had one number in turn; 0 where the format has no such thing.
  public var generation: UInt32

  public init(
    type: NodeType, permissions: UInt16, linkCount: UInt32, owner: UInt32, group: UInt32, size: UInt64,
    allocatedSize: UInt64, accessed: Timestamp, modified: Timestamp, changed: Timestamp, created: Timestamp? = nil,
    deviceNumber: DeviceNumber? = nil, generation: UInt32 = 0
  ) {
    self.type = type
    self.permissions = permissions
    self.linkCount = linkCount
    self.owner = owner
    self.group = group
    self.size = size
    self.allocatedSize = allocatedSize
    self.accessed = accessed
    self.modified = modified
    self.changed = changed
    self.created = created
    self.deviceNumber = deviceNumber
    self.generation = generation
  }
}

/// A point in time: seconds since 1970 (negative before) and nanoseconds (0 ..< 10⁹).
public struct Timestamp: Sendable, Equatable {
  public var seconds: Int64
  public var nanoseconds: UInt32

  public init(seconds: Int64, nanoseconds: UInt32 = 0) {
    self.seconds = seconds
    self.nanoseconds = nanoseconds
  }

  public func isBefore(_ other: Timestamp) -> Bool {
    (seconds, nanoseconds) < (other.seconds, other.nanoseconds)
  }
}

/// Major and minor number of a device node.
public struct DeviceNumber: Sendable, Equatable {
  public var major: UInt32
  public var minor: UInt32

  public init(major: UInt32, minor: UInt32) {
    self.major = major
    self.minor = minor
  }

  /// From 32 bits as Linux packs them (`new_encode_dev`): 12 of the major number between the low 8 and the high 12 of
  /// the minor one.
  init(packed: UInt32) {
    self.init(major: packed >> 8 & 0xFFF, minor: packed & 0xFF | packed >> 12 & 0xFFF00)
  }
}
