internal import BlockDevices
internal import Bytes

extension VHD {
  /// The dynamic disk header ("Dynamic Disk Header Format" of the specification), big-endian:
  ///
  ///      0  cookie "cxsparse"      8  all ones              16  offset of the block allocation table
  ///     24  header version        28  entries of the table  32  block size        36  checksum
  ///     40  parent's unique ID    56  parent's time stamp   64  parent's name (UTF-16, 512 bytes)
  ///    576  eight parent locators of 24 bytes: platform code, data space, data length, reserved, data offset (8 bytes)
  struct DynamicHeader: Sendable {
    static let size = 1024
    /// A larger block would have a bitmap of megabytes, and nothing makes one.
    static let blockSizes: ClosedRange<UInt32> = 512...(256 << 20)

    let tableOffset: UInt64
    let tableCount: UInt32
    /// Bytes of data in a block, a power of two.
    let blockSize: UInt64
    let parentID: GUID
    /// Seconds since 2000, of the parent when this image was made; 0 where it was not noted.
    let parentTimeStamp: UInt32
    /// Without a terminator; empty where there is none.
    let parentName: String
    let locators: [ParentLocator]

    init(in file: ImageFile, at offset: UInt64) throws(ImageError) {
      guard file.device.contains(UInt64(Self.size), at: offset) else {
        throw ImageError(.unreadable(.truncated("VHD dynamic disk header", at: offset)))
      }
      let bytes = try file.bytes(Self.size, at: offset)
      guard bytes.starts(with: Array("cxsparse".utf8)) else {
        throw ImageError(.unreadable(.corrupt("VHD dynamic disk header", at: offset)))
      }
      let span = bytes.rawSpan
      let header = try ImageError.wrapping { () throws(ReadError) in try Fields(span, at: offset) }
      guard header.version >> 16 == 1 else {
        throw .unsupported("has a dynamic disk header of the unknown version \(header.version >> 16)")
      }
      guard Self.blockSizes.contains(header.blockSize), header.blockSize.nonzeroBitCount == 1 else {
        throw .damaged("has blocks of \(header.blockSize) bytes, which cannot be")
      }
      tableOffset = header.tableOffset
      tableCount = header.tableCount
      blockSize = UInt64(header.blockSize)
      parentID = header.parentID
      parentTimeStamp = header.parentTimeStamp
      parentName = header.parentName
      locators = header.locators
    }

    /// Bytes of the bitmap before a block's data: a bit for each sector, in whole sectors.
    var bitmapSize: UInt64 { (blockSize / 512).roundedUp(toMultipleOf: 8 * 512) / 8 }
  }

  /// Where the parent's name stands, in the manner of one platform.
  struct ParentLocator: Sendable {
    let platform: [UInt8]
    /// Bytes.
    let length: UInt32
    let offset: UInt64
  }
}

extension VHD.DynamicHeader {
  /// The fields as they stand.
  private struct Fields {
    let version: UInt32
    let tableOffset: UInt64
    let tableCount: UInt32
    let blockSize: UInt32
    let parentID: GUID
    let parentTimeStamp: UInt32
    let parentName: String
    let locators: [VHD.ParentLocator]

    init(_ span: RawSpan, at offset: UInt64) throws(ReadError) {
      guard try span.be32(36) == VHD.checksum(of: span, at: 36) else {
        throw .checksum("VHD dynamic disk header", at: offset)
      }
      tableOffset = try span.be64(16)
      version = try span.be32(24)
      tableCount = try span.be32(28)
      blockSize = try span.be32(32)
      parentID = try GUID(bigEndian: span, at: 40)
      parentTimeStamp = try span.be32(56)
      parentName = try span.utf16(64, count: 512, isBigEndian: true, of: "name of the parent")
      var locators: [VHD.ParentLocator] = []
      for index in 0..<8 {
        let place = 576 + index * 24
        locators.append(
          VHD.ParentLocator(
            platform: try span.bytes(place, count: 4), length: try span.be32(place + 8),
            offset: try span.be64(place + 16)))
      }
      self.locators = locators
    }
  }
}
