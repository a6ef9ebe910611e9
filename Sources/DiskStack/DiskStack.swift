public import BlockDevices
public import FileSystems
public import SystemPackage
public import Volumes

/// An image opened into its tree of layers: host file, disk, partition table, volumes, filesystems.
///
/// `inspect`, `mount` and the rest stand on it.
public struct DiskStack: Sendable {
  public let image: HostFile
  /// The image's format, as qemu-img names it: "raw".
  public let format: String
  /// The virtual disk, decoded (with `offset` and `sizeLimit` applied).
  public let disk: any BlockDevice
  /// nil for a disk without one: then `volumes` holds the whole disk as its only volume.
  public let table: PartitionTable?
  /// Ascending by number.
  public let volumes: [Volume]
  /// What is wrong with the whole, one clear line each.
  public let notices: [String]

  /// Opens the image at `path`, its table, and every filesystem in it. One volume that cannot be read does not stop
  /// the others: its `contents` say why.
  public init(opening path: FilePath, options: Options = Options()) throws(StackError) {
    let image: HostFile
    do { image = try HostFile(opening: path) } catch { throw .cannotOpen(path, error) }
    // Stands in until partition tables are read: the whole image as one volume.
    self.image = image
    format = "raw"
    disk = image
    table = nil
    var contents = Volume.Contents.unknown
    for driver in FileSystemCatalog.drivers {
      do {
        contents = .fileSystem(try driver.init(reading: image, options: options.fileSystem))
        break
      } catch {
        if case .notRecognized = error { continue }
        contents = .unreadable(error)
      }
    }
    volumes = [Volume(number: 0, name: "disk", device: image, start: 0, contents: contents)]
    notices = []
  }

  public struct Options: Sendable {
    /// Bytes of the image in front of the disk.
    public var offset: UInt64 = 0
    /// Bytes of the image that belong to the disk; nil for all.
    public var sizeLimit: UInt64?
    /// Bytes of a logical sector; nil to find out.
    public var sectorSize: Int?
    public var fileSystem = OpenOptions()

    public init() {}
  }
}

/// Why there is no stack at all.
public enum StackError: Error, Sendable {
  case cannotOpen(FilePath, Errno)
  case isEmpty(FilePath)
  /// `offset` lies past the end.
  case offsetBeyondEnd(FilePath, size: UInt64)
  /// Neither a table nor anything that libblkid names nor a filesystem of ours.
  case nothingRecognized(FilePath)
  /// No volume, or more than one, is what a selector asks for.
  case noSuchVolume(FilePath, selector: String, present: [String])
  case ambiguousVolume(FilePath, selector: String, matching: [String])
}
