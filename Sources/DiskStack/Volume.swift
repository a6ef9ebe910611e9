public import BlockDevices
public import FileSystems
public import Volumes

/// A part of a disk that can hold something: a partition, or the whole disk where it has no table.
public struct Volume: Sendable {
  /// The partition's number; 0 for a whole disk.
  public var number: Int
  /// As a mount shows it: "p1", or "disk".
  public var name: String
  /// The volume's bytes, of the size that the table states; what is missing of an image cut short fails to read.
  public var device: any BlockDevice
  /// Bytes from the start of the disk.
  public var start: UInt64
  /// The table's entry; nil for a whole disk.
  public var partition: Partition?
  /// What libblkid calls its contents; nil where it knows nothing.
  public var signature: Signature?
  public var contents: Contents
  /// What is wrong with the volume, one clear line each: "ends 1048576 bytes past the end of the image".
  public var notices: [String]

  public enum Contents: Sendable {
    /// A filesystem that a driver reads, open.
    case fileSystem(any FileSystem)
    /// A filesystem that a driver should read, but cannot: why.
    case unreadable(OpenError)
    /// Something that has a name but no driver (swap, LUKS, a filesystem not read yet): what can be done with it.
    case unsupported(hint: String)
    /// An MBR's extended partition.
    case container
    /// Nothing known is there.
    case unknown
  }

  public init(
    number: Int, name: String, device: any BlockDevice, start: UInt64, partition: Partition? = nil,
    signature: Signature? = nil, contents: Contents, notices: [String] = []
  ) {
    self.number = number
    self.name = name
    self.device = device
    self.start = start
    self.partition = partition
    self.signature = signature
    self.contents = contents
    self.notices = notices
  }

  public var fileSystem: (any FileSystem)? {
    if case .fileSystem(let fileSystem) = contents { fileSystem } else { nil }
  }
}
