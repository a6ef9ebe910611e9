/// What is told of a disk image.
public struct ImageSummary: Sendable {
  /// What kind of its format it is: "version 3", "monolithicSparse", "dynamic".
  public var variant: String?
  /// Bytes of a cluster, block or grain; nil where there are none.
  public var clusterSize: UInt64?
  /// How many of all bytes of the disk this image stores itself (and not its backing file); nil where counting them
  /// would take long. Counted when it is asked for: a mount does not.
  public var allocatedSize: UInt64? {
    get { countAllocated() }
    set { countAllocated = { newValue } }
  }
  var countAllocated: @Sendable () -> UInt64? = { nil }
  /// How what is compressed is compressed, "zlib" or "zstd"; nil where nothing can be.
  public var compression: String?
  /// Bytes of a logical sector, where the image says: partition tables count in them.
  public var sectorSize: Int?
  public var uuid: String?
  /// The program that made the image, as the image says.
  public var creator: String?
  /// Seconds since 1970.
  public var created: Int64?
  /// What was not finished when the image was last written, and is not wrong for that.
  public var isDirty = false
  public var isCorrupt = false
  /// The name of the backing file or parent, as the image has it.
  public var parentName: String?
  /// The format of the backing file, where the image says it, as it says it.
  public var parentFormat: String?
  public var snapshots: [ImageSnapshot] = []
  /// As qemu-img's `format-specific` has it, in its order.
  public var specific: [(key: String, value: ImageFact)] = []
  /// What is wrong, one clear line each.
  public var notices: [String] = []

  public init() {}
}

/// A fact that only one format has, as JSON would have it.
public enum ImageFact: Sendable {
  case text(String)
  case number(UInt64)
  case flag(Bool)
  case none
  indirect case list([ImageFact])
  indirect case record([(key: String, value: ImageFact)])
}

/// A state of the disk that its image keeps.
public struct ImageSnapshot: Sendable {
  public var id: String
  public var name: String
  /// Seconds since 1970, and nanoseconds.
  public var seconds: Int64
  public var nanoseconds: UInt32
  /// Bytes of the disk at that time.
  public var diskSize: UInt64
  /// Bytes of the virtual machine's state.
  public var machineStateSize: UInt64
  /// Nanoseconds for which the virtual machine had run.
  public var machineClock: UInt64

  public init(
    id: String, name: String, seconds: Int64, nanoseconds: UInt32, diskSize: UInt64, machineStateSize: UInt64,
    machineClock: UInt64
  ) {
    self.id = id
    self.name = name
    self.seconds = seconds
    self.nanoseconds = nanoseconds
    self.diskSize = diskSize
    self.machineStateSize = machineStateSize
    self.machineClock = machineClock
  }
}
