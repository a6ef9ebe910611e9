internal import BlockDevices
internal import Bytes

/// A format of disk images. What its maps say is composed with the files that hold it, in `DiskImage`; no format reads
/// its parent or its extents' files but by naming them as sources.
protocol VirtualDisk: ExtentMap, UnitDecoder {
  static var format: ImageFormat { get }

  /// Whether its images can hold snapshots, and `ImageOptions.snapshot` chooses one.
  static var keepsSnapshots: Bool { get }

  /// Whether a file looks like this format.
  static func recognizes(_ probe: ImageProbe) -> Bool

  /// Opens the image in `file`, and all that it names.
  init(reading file: ImageFile) throws(ImageError)

  var summary: ImageSummary { get }
  /// The backing file or parent, open; nil where there is none.
  var parent: DiskImage? { get }
  /// Files that hold parts of the disk, other than the one that was opened.
  var furtherFiles: [HostFile] { get }
}

extension VirtualDisk {
  static var keepsSnapshots: Bool { false }
  var parent: DiskImage? { nil }
  var furtherFiles: [HostFile] { [] }

  /// Of a format whose maps name no units.
  func decode(_ unit: EncodedUnit, into out: inout OutputRawSpan) throws(ReadError) {
    throw .corrupt("unit of the disk", at: unit.id)
  }
}

/// The ends of a file, to tell its format by.
struct ImageProbe: Sendable {
  /// Up to 4096 bytes.
  let head: [UInt8]
  /// The last 512 bytes, or all of a file that is shorter.
  let tail: [UInt8]
  /// Bytes of the file.
  let size: UInt64

  /// What cannot be read is as good as not there.
  init(of device: any BlockDevice) {
    size = device.size
    head = (try? device.bytes(Int(min(size, 4096)), at: 0)) ?? []
    let count = min(size, 512)
    tail = (try? device.bytes(Int(count), at: size - count)) ?? []
  }

  /// Whether `text` stands at byte `offset` of the head.
  func has(_ text: String, at offset: Int = 0) -> Bool { has(Array(text.utf8), at: offset) }

  func has(_ bytes: [UInt8], at offset: Int = 0) -> Bool { head.dropFirst(offset).starts(with: bytes) }
}
