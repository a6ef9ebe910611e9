internal import Bytes

/// The formats of backing files, by the names that QEMU's images have for them.
enum BackingFormat {
  /// The format that an image says its backing file has; nil to find out by its content, where it says nothing.
  /// - Throws: `.unsupported` for a format that is not read, unless another backing file was given in its stead.
  static func format(named name: String?, of file: ImageFile) throws(ImageError) -> ImageFormat? {
    guard let name, !name.isEmpty else { return nil }
    // QEMU's drivers for files and devices: what they read is raw.
    if ["file", "host_device"].contains(name) { return .raw }
    if let format = ImageFormat(named: name) { return format }
    if file.options.backingFile != nil { return nil }
    throw .unsupported("has a backing file of the format \(Escaped.text(name)), which is not supported")
  }
}
