/// The formats that are read. What is none of them is raw: the file's bytes are the disk's.
enum ImageCatalog {
  /// In the order in which they are tried. A fixed VHD is told by its end only, and so comes last.
  static let formats: [any VirtualDisk.Type] = [
    QCOW2.self, QCOW.self, QED.self, VMDK.self, VHDX.self, VDI.self, VHD.self,
  ]

  static func format(of probe: ImageProbe) -> (any VirtualDisk.Type)? {
    formats.first { $0.recognizes(probe) }
  }

  /// The one with this name; nil for raw.
  static func format(named format: ImageFormat) -> (any VirtualDisk.Type)? {
    formats.first { $0.format == format }
  }
}
