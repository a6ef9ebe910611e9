public import BlockDevices
internal import Bytes
public import SystemPackage

/// A disk as host files hold it, with its chain of backing files.
public final class DiskImage: Sendable {
  public let format: ImageFormat
  public let path: FilePath
  /// The disk's bytes.
  public let disk: any BlockDevice
  public let summary: ImageSummary
  /// The backing file or parent; nil where there is none.
  public let parent: DiskImage?
  /// The host files that hold this image, without its parents; the one that was opened is the first.
  public let files: [HostFile]
  /// Where the disk's bytes lie in its files and its parent; nil for a raw image.
  public let map: (any ExtentMap)?

  /// Opens the image at `path`, and what it names.
  public convenience init(opening path: FilePath, options: ImageOptions = ImageOptions()) throws(ImageError) {
    let file: HostFile
    do { file = try HostFile(opening: path) } catch { throw ImageError(.cannotOpen(error), in: path) }
    let opening = ImageOpening(image: path, options: options)
    do { self.init(try opening.open(file, options: options)) } catch { throw error.located(in: path) }
  }

  /// Opens an image that a device holds; `path` is what names in it are relative to.
  public convenience init(
    in device: any BlockDevice, path: FilePath, options: ImageOptions = ImageOptions()
  ) throws(ImageError) {
    let opening = ImageOpening(image: path, options: options)
    let file = ImageFile(device: device, path: path, opening: opening, options: options)
    self.init(try Self.open(file, files: []))
  }

  /// Bytes that the image's files occupy on the host, without its parents.
  public var actualSize: UInt64 {
    files.reduce(0) { sum, file in
      let (total, overflow) = sum.addingReportingOverflow(file.allocatedSize)
      return overflow ? .max : total
    }
  }

  /// Bytes of a logical sector: what the image says, or else what the block device that holds a raw image has.
  public var sectorSize: Int { summary.sectorSize ?? (format == .raw ? files.first?.sectorSize : nil) ?? 512 }

  /// What is wrong with the image and with its parents, one clear line each.
  public var allNotices: [String] {
    summary.notices
      + (parent.map { parent in parent.allNotices.map { "\(Escaped.text(parent.path.string)): \($0)" } } ?? [])
  }

  /// What an opened image consists of.
  struct Parts {
    let format: ImageFormat
    let path: FilePath
    let disk: any BlockDevice
    let summary: ImageSummary
    let parent: DiskImage?
    let files: [HostFile]
    var map: (any ExtentMap)?
  }

  init(_ parts: Parts) {
    format = parts.format
    path = parts.path
    disk = parts.disk
    summary = parts.summary
    parent = parts.parent
    files = parts.files
    map = parts.map
  }

  /// Opens the image in `file`, by the format that is asked for or that its content shows.
  static func open(_ file: ImageFile, files: [HostFile]) throws(ImageError) -> Parts {
    do throws(ImageError) {
      let type =
        if let format = file.options.format {
          ImageCatalog.format(named: format)
        } else {
          ImageCatalog.format(of: ImageProbe(of: file.device))
        }
      if let type { return try open(type, in: file, files: files) }
      if let format = file.options.format, format != .raw {
        throw .unsupported("is to be read as \(format.title), and that is not supported")
      }
      try refuseUnusedOptions(file.options, hasSnapshots: false, hasParent: false)
      return Parts(
        format: .raw, path: file.path, disk: file.device, summary: ImageSummary(), parent: nil, files: files)
    } catch {
      throw error.located(in: file.path)
    }
  }

  private static func open<Disk: VirtualDisk>(
    _ type: Disk.Type, in file: ImageFile, files: [HostFile]
  ) throws(ImageError) -> Parts {
    let map: Disk
    do throws(ImageError) { map = try Disk(reading: file) } catch {
      // What a format that was asked for finds wrong with a file of another is nothing that helps.
      guard file.options.format != nil, !Disk.recognizes(ImageProbe(of: file.device)) else { throw error }
      throw .damaged("is no \(Disk.format.title) image")
    }
    try refuseUnusedOptions(file.options, hasSnapshots: Disk.keepsSnapshots, hasParent: map.parent != nil)
    return Parts(
      format: Disk.format, path: file.path, disk: ComposedDevice(map, units: file.options.units),
      summary: map.summary, parent: map.parent, files: files + map.furtherFiles,
      map: map)
  }

  /// An option that the image has no use for is a mistake of whoever gave it.
  private static func refuseUnusedOptions(
    _ options: ImageOptions, hasSnapshots: Bool, hasParent: Bool
  ) throws(ImageError) {
    if let name = options.snapshot, !hasSnapshots {
      throw .usage("keeps no snapshots, so there is none called \(Escaped.text(name))")
    }
    if options.backingFile != nil && !hasParent { throw .usage("has no backing file that another could stand in for") }
  }
}
