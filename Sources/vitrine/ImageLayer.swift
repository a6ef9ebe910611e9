internal import BlockDevices
internal import DiskImages
internal import SystemPackage

/// What `inspect` tells of an image: of the one that was opened, or of a backing file.
struct ImageLayer {
  var path: FilePath
  var format: ImageFormat
  /// Whether it is a block device as it stands.
  var isBlockDevice = false
  /// Bytes of the disk.
  var size: UInt64
  /// Bytes that the image's files occupy on the host.
  var actualSize: UInt64
  var summary = ImageSummary()
  /// nil where that is not known.
  var isCompressed: Bool? = false
  /// The files that hold the image; the one that was opened is the first.
  var files: [File] = []

  struct File {
    var path: FilePath
    /// Bytes, and bytes occupied on the host.
    var size: UInt64
    var actualSize: UInt64
  }

  /// The image and its backing files, each followed by the one behind it.
  static func chain(of image: DiskImage) -> [ImageLayer] {
    var layers: [ImageLayer] = []
    var next: DiskImage? = image
    while let image = next {
      layers.append(ImageLayer(of: image))
      next = image.parent
    }
    return layers
  }
}

extension ImageLayer {
  init(of image: DiskImage) {
    self.init(
      path: image.path, format: image.format,
      isBlockDevice: image.format == .raw && image.files.first?.kind == .blockDevice, size: image.disk.size,
      actualSize: image.actualSize, summary: image.summary,
      isCompressed: image.hasCompressedData,
      files: image.files.map { File(path: $0.path, size: $0.size, actualSize: $0.allocatedSize) })
  }
}
