/// What divides a disk into partitions.
public struct PartitionTable: Sendable {
  /// As libblkid names it: "gpt", "dos", "bsd", "mac", "sun", "sgi" …; "PMBR"
  /// where the protective MBR of a GPT is all that is left of it: then there are no partitions.
  public var type: String
  /// The disk's identifier: a GUID, or the eight hexadecimal digits of an MBR; nil where there is none.
  public var uuid: String?
  /// Bytes of a sector as the table counts them.
  public var sectorSize: Int
  /// Bytes of the disk that partitions may lie in: what of it no partition takes is unallocated.
  public var usable: Range<UInt64>
  /// Ascending by number.
  public var partitions: [Partition]
  /// What is wrong with the table, one clear line each: "primary GPT is damaged: read from the backup".
  public var notices: [String]

  public init(
    type: String, uuid: String? = nil, sectorSize: Int, usable: Range<UInt64>, partitions: [Partition],
    notices: [String] = []
  ) {
    self.type = type
    self.uuid = uuid
    self.sectorSize = sectorSize
    self.usable = usable
    self.partitions = partitions
    self.notices = notices
  }
}

/// An entry of a partition table.
public struct Partition: Sendable {
  /// As the kernel numbers it, from 1; logical partitions of an MBR from 5.
  public var number: Int
  /// Bytes from the start of the disk.
  public var start: UInt64
  /// Bytes, as the table says; the disk may be shorter.
  public var size: UInt64
  /// The type's code: a GUID in lower case, or "0x83".
  public var typeCode: String
  /// The type's name for people ("Linux filesystem"), where it is known.
  public var typeName: String?
  /// The partition's own name (GPT, Apple); nil for none.
  public var label: String?
  /// As under /dev/disk/by-partuuid.
  public var uuid: String?
  /// The table's attribute bits.
  public var flags: UInt64
  /// An MBR's extended partition: a container of others, which has no contents of its own.
  public var isContainer: Bool
  /// The number of the partition that holds this one: the extended one for a logical one, the slice for what a BSD,
  /// Solaris or Minix label inside it lists; nil for what the disk's own table lists.
  public var parent: Int?

  public init(
    number: Int, start: UInt64, size: UInt64, typeCode: String, typeName: String? = nil, label: String? = nil,
    uuid: String? = nil, flags: UInt64 = 0, isContainer: Bool = false, parent: Int? = nil
  ) {
    self.number = number
    self.start = start
    self.size = size
    self.typeCode = typeCode
    self.typeName = typeName
    self.label = label
    self.uuid = uuid
    self.flags = flags
    self.isContainer = isContainer
    self.parent = parent
  }
}
