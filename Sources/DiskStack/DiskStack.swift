public import BlockDevices
public import DiskImages
public import FileSystems
public import SystemPackage
public import Volumes

/// An image opened into its tree of layers: host file, disk, partition table, volumes, filesystems.
///
/// `inspect`, `mount` and the rest stand on it.
public struct DiskStack: Sendable {
  public let image: DiskImage
  /// The virtual disk, decoded (with `offset` and `sizeLimit` applied).
  public let disk: any BlockDevice
  /// Bytes of the image in front of the disk: what the options said, or the program or script that carries a filesystem.
  public let offset: UInt64
  /// nil for a disk without one: then `volumes` holds the whole disk as its only volume.
  public let table: PartitionTable?
  /// Ascending by number. With a table, number 0 (the whole disk) is among them only where a filesystem fills the
  /// disk beside the table, as in a hybrid ISO image; its raw bytes are `disk`.
  public let volumes: [Volume]
  /// What is wrong with the whole, one clear line each.
  public let notices: [String]

  /// Opens the image at `path`, its table, and every filesystem in it. One volume that cannot be read does not stop
  /// the others: its `contents` say why.
  public init(opening path: FilePath, options: Options = Options()) throws(StackError) {
    let image: DiskImage
    do { image = try DiskImage(opening: path, options: options.image) } catch { throw .cannotOpen(path, error) }
    guard image.disk.size > 0 else { throw .isEmpty(path) }
    self.image = image

    var notices = image.allNotices
    var disk = image.disk
    var offset = options.offset
    let isWhole = options.offset == 0 && options.sizeLimit == nil
    if !isWhole {
      guard options.offset < image.disk.size else { throw .offsetBeyondEnd(path, size: image.disk.size) }
      let rest = image.disk.size - options.offset
      let size = min(options.sizeLimit ?? rest, rest)
      guard size > 0, let slice = Slice(of: image.disk, start: options.offset, size: size) else {
        throw .isEmpty(path)
      }
      if let limit = options.sizeLimit, limit > rest {
        notices.append("the image ends \(limit - rest) bytes before the size limit")
      }
      disk = slice
    }

    var layout = try Self.layout(of: disk, image, path, options)
    if isWhole, image.format == .raw, layout.table == nil, layout.contents.candidates.isEmpty,
      let start = ProgramPayload.start(in: disk), let rest = Slice(of: disk, start: start, size: disk.size - start)
    {
      disk = rest
      offset = start
      layout = try Self.layout(of: disk, image, path, options)
    }
    self.disk = disk
    self.offset = offset
    table = layout.table
    var fileSystem = options.fileSystem
    if fileSystem.units == nil { fileSystem.units = options.image.units }
    let devices = try ExtraDevices(beside: path, options: options.image)
    if fileSystem.findDevice == nil { fileSystem.findDevice = { devices.find($0) } }
    volumes = VolumeOpener(disk: disk, options: fileSystem).volumes(of: layout)
    self.notices = notices + layout.notices + devices.notices
    try devices.checkUse(in: path)
    // A virtual disk is one, whatever is on it; a file of which nothing is known is likely no disk at all.
    let isSurelyDisk = image.format != .raw || options.acceptsUnknownContents
    if !isSurelyDisk, table == nil, let whole = volumes.first, case .unknown = whole.contents, whole.notices.isEmpty {
      throw .nothingRecognized(
        path, sign: FileSign.describe(disk), payload: isWhole ? ProgramPayload.hint(in: disk) : nil)
    }
  }

  private static func layout(
    of disk: any BlockDevice, _ image: DiskImage, _ path: FilePath, _ options: Options
  ) throws(StackError) -> DiskLayout {
    do {
      return try DiskLayout(of: disk, sectorSize: options.sectorSize, nativeSectorSize: image.sectorSize)
    } catch {
      throw .cannotRead(path, error)
    }
  }

  public struct Options: Sendable {
    public var image = ImageOptions()
    /// Bytes of the image in front of the disk.
    public var offset: UInt64 = 0
    /// Bytes of the image that belong to the disk; nil for all.
    public var sizeLimit: UInt64?
    /// Bytes of a logical sector, a power of two from 512 to 65536; nil to find out.
    public var sectorSize: Int?
    /// Whether a raw image need hold nothing that is known: its bytes are all that is wanted.
    public var acceptsUnknownContents = false
    public var fileSystem = OpenOptions()

    public init() {}

    /// Whether a disk can have logical sectors of `size` bytes: a power of two from 512 to 65536.
    public static func isSectorSize(_ size: Int) -> Bool {
      (512...65536).contains(size) && size.nonzeroBitCount == 1
    }
  }
}
