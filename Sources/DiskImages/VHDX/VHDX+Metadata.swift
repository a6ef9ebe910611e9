internal import BlockDevices
internal import Bytes

extension VHDX {
  /// What the metadata region (section 2.6) says of the disk.
  struct Metadata {
    /// Bytes of a payload block: a power of two from 1 MiB to 256 MiB.
    let blockSize: UInt64
    /// Whether all blocks are allocated for good: what makes a disk fixed.
    let leavesBlocksAllocated: Bool
    let hasParent: Bool
    /// Bytes of the disk, at most 64 TiB.
    let diskSize: UInt64
    /// Bytes of a logical sector: 512 or 4096.
    let sectorSize: UInt64
    let diskID: GUID?
    let parentLocator: ParentLocator?

    /// Bytes of the table, which the region begins with; the items lie behind it.
    private static let tableSize: UInt64 = 64 << 10
    private static let itemLimit: UInt32 = 1 << 20
    private static let largestDisk: UInt64 = 64 << 40

    /// The items that there are, by their GUIDs (section 2.6.2).
    private enum Item: String {
      case fileParameters = "caa16737-fa36-4d43-b3b6-33f0aa44e76b"
      case diskSize = "2fa54224-cd1b-4876-b211-5dbed83bf4b8"
      case diskID = "beca12ab-b2e6-4523-93ef-c309e000c746"
      case logicalSectorSize = "8141bf1d-a96f-4709-ba47-f233a8faab5f"
      case physicalSectorSize = "cda348c7-445d-4471-9cc9-e9885251c556"
      case parentLocator = "a8d35f2d-b30b-454d-abf7-d3d84834ab0c"
    }

    /// - Parameter device: the file, with its log replayed.
    init(in device: any BlockDevice, at region: Range<UInt64>) throws(ImageError) {
      let places = try Self.places(in: device, at: region)
      func item(_ item: Item, _ name: String, atLeast count: Int) throws(ImageError) -> [UInt8] {
        guard let place = places[item] else { throw .damaged("has no \(name) in its metadata") }
        guard place.upperBound - place.lowerBound >= UInt64(count) else {
          throw .damaged("has a \(name) in its metadata that is too short")
        }
        return try ImageError.wrapping { () throws(ReadError) in
          try device.bytes(Int(place.upperBound - place.lowerBound), at: place.lowerBound)
        }
      }
      func le32(_ bytes: [UInt8], _ offset: Int) throws(ImageError) -> UInt32 {
        try ImageError.wrapping { () throws(ReadError) in try bytes.rawSpan.le32(offset, of: "metadata") }
      }

      let parameters = try item(.fileParameters, "block size", atLeast: 8)
      blockSize = UInt64(try le32(parameters, 0))
      guard blockSize >= 1 << 20, blockSize <= 256 << 20, blockSize.nonzeroBitCount == 1 else {
        throw .damaged("has blocks of \(blockSize) bytes; VHDX has powers of two from 1 MiB to 256 MiB")
      }
      let flags = try le32(parameters, 4)
      hasParent = flags & 2 != 0
      leavesBlocksAllocated = flags & 1 != 0 && !hasParent

      sectorSize = UInt64(try le32(try item(.logicalSectorSize, "sector size", atLeast: 4), 0))
      guard sectorSize == 512 || sectorSize == 4096 else {
        throw .damaged("has sectors of \(sectorSize) bytes; VHDX has 512 and 4096")
      }

      let size = try item(.diskSize, "disk size", atLeast: 8)
      diskSize = try ImageError.wrapping { () throws(ReadError) in try size.rawSpan.le64(0, of: "metadata") }
      guard diskSize <= Self.largestDisk else {
        throw .damaged("claims a disk of \(diskSize) bytes; 64 TiB is the most that VHDX has")
      }
      guard diskSize % sectorSize == 0 else {
        throw .damaged("claims a disk of \(diskSize) bytes, which are no whole sectors")
      }

      if places[.diskID] != nil {
        let id = try item(.diskID, "disk ID", atLeast: 16)
        diskID = try ImageError.wrapping { () throws(ReadError) in try GUID(parsing: id.rawSpan, at: 0) }
      } else {
        diskID = nil
      }
      if hasParent {
        let locator = try item(.parentLocator, "parent locator", atLeast: 20)
        parentLocator = try ParentLocator(parsing: locator)
      } else {
        parentLocator = nil
      }
    }

    /// Where in the file the items that are known lie. The ones that are not are left out, or refused where the table
    /// says that a reader has to know them.
    private static func places(
      in device: any BlockDevice, at region: Range<UInt64>
    ) throws(ImageError) -> [Item: Range<UInt64>] {
      guard region.upperBound - region.lowerBound >= tableSize else {
        throw .damaged("has a metadata region without room for its table")
      }
      let table = try ImageError.wrapping { () throws(ReadError) in
        try device.bytes(Int(tableSize), at: region.lowerBound)
      }
      let entries = try ImageError.wrapping { () throws(ReadError) in try Self.entries(of: table) }
      var places: [Item: Range<UInt64>] = [:]
      for entry in entries {
        guard !entry.isUser, let item = Item(rawValue: entry.id.text) else {
          guard !entry.isRequired else {
            throw .unsupported("needs what its metadata item \(entry.id.text) holds, and that is not known")
          }
          continue
        }
        // An item without a byte is there, but empty; its offset says nothing.
        let offset = entry.length == 0 ? UInt64(0) : UInt64(entry.offset)
        let end = offset + UInt64(entry.length)
        guard entry.length <= itemLimit, entry.length == 0 || offset >= tableSize,
          end <= region.upperBound - region.lowerBound
        else { throw .damaged("has a metadata item (\(entry.id.text)) that does not lie in the metadata region") }
        let place = (region.lowerBound + offset)..<(region.lowerBound + end)
        guard places.updateValue(place, forKey: item) == nil else {
          throw .damaged("has the metadata item \(entry.id.text) twice")
        }
      }
      return places
    }

    private struct Entry {
      let id: GUID
      /// From the start of the region.
      let offset: UInt32
      let length: UInt32
      let isUser: Bool
      let isRequired: Bool
    }

    private static func entries(of table: [UInt8]) throws(ReadError) -> [Entry] {
      let span = table.rawSpan
      guard try span.bytes(0, count: 8) == Array("metadata".utf8) else {
        throw .corrupt("signature of the metadata table", at: nil)
      }
      let count = try span.le16(10)
      guard count <= 2047 else { throw .corrupt("metadata table", at: UInt64(count)) }
      var entries: [Entry] = []
      for index in 0..<Int(count) {
        let place = 32 + 32 * index
        let flags = try span.le32(place + 24)
        entries.append(
          Entry(
            id: try GUID(parsing: span, at: place), offset: try span.le32(place + 16),
            length: try span.le32(place + 20), isUser: flags & 1 != 0, isRequired: flags & 4 != 0))
      }
      return entries
    }
  }
}
