internal import BlockDevices
internal import Bytes

extension VDI {
  /// The header. All integers are little-endian.
  ///
  ///      0  text, for eyes only   64  signature             68  version: major in the upper half
  /// Of version 1:
  ///     72  size of the header from here on                 76  image type           80  flags
  ///     84  comment (256 bytes)  340  offset of the block map                       344  offset of the data
  ///    348  geometry: cylinders, heads, sectors, bytes of a sector                  364  reserved
  ///    368  bytes of the disk    376  bytes of a block     380  extra bytes before each block's data
  ///    384  blocks               388  blocks allocated
  ///    392  UUIDs of 16 bytes: the image's, of its last modification, the parent's, of the parent's last modification
  /// Of version 0:
  ///     72  image type            76  flags                 80  comment             336  geometry
  ///    352  bytes of the disk    360  bytes of a block     364  blocks              368  blocks allocated
  ///    372  UUIDs: the image's, of its last modification, the parent's; the block map follows, and the data behind it
  struct Header: Sendable {
    static let signature: [UInt8] = [0x7F, 0x10, 0xDA, 0xBE]
    static let signatureOffset = 64

    enum ImageType: UInt32 { case dynamic = 1, fixed = 2, undo = 3, differencing = 4 }

    /// Anything that is larger would be no block.
    static let blockSizes: ClosedRange<UInt32> = 512...(256 << 20)

    let version: UInt32
    let type: ImageType
    /// What stands at the start, without the brackets.
    let text: String
    let mapOffset: UInt64
    let dataOffset: UInt64
    /// Bytes.
    let diskSize: UInt64
    /// Bytes, a power of two.
    let blockSize: UInt64
    /// Bytes before each block's data.
    let extraSize: UInt64
    let blockCount: UInt32
    let id: GUID
    let modificationID: GUID
    /// Nil where there is no parent.
    let parentID: GUID
    /// Nil where it is not known.
    let parentModificationID: GUID

    /// Bytes of the file up to the end of the header, at most.
    static let size = 456

    init(in file: ImageFile) throws(ImageError) {
      let bytes = try file.bytes(Int(min(file.device.size, UInt64(Self.size))), at: 0)
      try self.init(bytes)
    }

    /// - Parameter bytes: the first `size` bytes of the file, or all that it has.
    init(_ bytes: [UInt8]) throws(ImageError) {
      let fields = try ImageError.wrapping { () throws(ReadError) in try Fields(bytes.rawSpan) }
      guard let fields else {
        throw .unsupported("has VDI's unknown version \(try Self.versionText(of: bytes))")
      }
      guard let type = ImageType(rawValue: fields.type) else {
        throw .unsupported("has the unknown VDI image type \(fields.type)")
      }
      guard Self.blockSizes.contains(fields.blockSize), fields.blockSize.nonzeroBitCount == 1 else {
        throw .damaged("has blocks of \(fields.blockSize) bytes, which cannot be")
      }
      version = fields.version
      self.type = type
      text = fields.text
      mapOffset = UInt64(fields.mapOffset)
      blockSize = UInt64(fields.blockSize)
      extraSize = UInt64(fields.extraSize)
      blockCount = fields.blockCount
      let mapEnd = mapOffset + UInt64(blockCount) * 4
      dataOffset = fields.dataOffset.map(UInt64.init) ?? mapEnd
      // VBoxManage makes disks of odd sizes, and qemu rounds them up.
      let (size, overflow) = fields.diskSize.addingReportingOverflow((512 - fields.diskSize % 512) % 512)
      diskSize = size
      id = fields.ids[0]
      modificationID = fields.ids[1]
      parentID = fields.ids[2]
      parentModificationID = fields.ids[3]
      guard !overflow, diskSize <= UInt64(blockCount) * blockSize else {
        throw .damaged("has a map of \(blockCount) blocks, too few for a disk of \(fields.diskSize) bytes")
      }
      guard mapOffset >= UInt64(fields.end), dataOffset >= mapEnd else {
        throw .damaged("has a header, a block map and data that overlap each other")
      }
    }

    /// "1.1".
    var versionText: String { Self.text(ofVersion: version) }

    /// Bytes in the file from one block to the next.
    var storedBlockSize: UInt64 { blockSize + extraSize }

    private static func text(ofVersion version: UInt32) -> String { "\(version >> 16).\(version & 0xFFFF)" }

    private static func versionText(of bytes: [UInt8]) throws(ImageError) -> String {
      try ImageError.wrapping { () throws(ReadError) in Self.text(ofVersion: try bytes.rawSpan.le32(68)) }
    }
  }
}

extension VDI.Header {
  /// The fields as they stand.
  private struct Fields {
    let version: UInt32
    let text: String
    let type: UInt32
    let mapOffset: UInt32
    /// nil where the data follow the map.
    let dataOffset: UInt32?
    let diskSize: UInt64
    let blockSize: UInt32
    let extraSize: UInt32
    let blockCount: UInt32
    let ids: [GUID]
    /// Where the header ends.
    let end: UInt32

    /// nil for an unknown version.
    init?(_ span: RawSpan) throws(ReadError) {
      guard try span.slice(VDI.Header.signatureOffset, count: 4, of: "VDI header").array == VDI.Header.signature else {
        throw .corrupt("VDI header", at: UInt64(VDI.Header.signatureOffset))
      }
      version = try span.le32(68, of: "VDI header")
      text = Self.text(try span.bytes(0, count: 64, of: "VDI header"))
      let place: (type: Int, size: Int, ids: Int)
      switch version >> 16 {
      case 0 where version == 1 || version == 2:
        place = (72, 352, 372)
        end = 420
        mapOffset = end
        dataOffset = nil
        extraSize = 0
        blockCount = try span.le32(364, of: "VDI header")
      case 1:
        place = (76, 368, 392)
        // Newer minor versions add fields at the end; the size never tells less than the first one had.
        let size = try span.le32(72, of: "VDI header")
        guard size >= 384, let last = size.addingIfPossible(72) else { throw .corrupt("VDI header", at: 72) }
        end = last
        mapOffset = try span.le32(340, of: "VDI header")
        dataOffset = try span.le32(344, of: "VDI header")
        extraSize = try span.le32(380, of: "VDI header")
        blockCount = try span.le32(384, of: "VDI header")
      default: return nil
      }
      type = try span.le32(place.type, of: "VDI header")
      diskSize = try span.le64(place.size, of: "VDI header")
      blockSize = try span.le32(place.size + 8, of: "VDI header")
      var ids: [GUID] = []
      for index in 0..<3 { ids.append(try GUID(parsing: span, at: place.ids + 16 * index)) }
      ids.append(version >> 16 == 0 ? .zero : try GUID(parsing: span, at: place.ids + 48))
      self.ids = ids
    }

    /// `<<< Oracle VM VirtualBox Disk Image >>>`, without the brackets.
    private static func text(_ bytes: [UInt8]) -> String {
      let ends: [UInt8] = Array("<> \n".utf8)
      var text = bytes.prefix { $0 != 0 }
      while let last = text.last, ends.contains(last) { text = text.dropLast() }
      return Escaped.text(Array(text.drop { ends.contains($0) }))
    }
  }
}

extension UInt32 {
  fileprivate func addingIfPossible(_ other: UInt32) -> UInt32? {
    let (sum, overflow) = addingReportingOverflow(other)
    return overflow ? nil : sum
  }
}
