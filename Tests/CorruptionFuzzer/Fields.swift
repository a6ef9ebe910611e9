import BlockDevices
import Bytes

/// A number in an image, worth changing as such.
struct Field: Sendable {
  let offset: UInt64
  /// Bytes.
  let width: Int
  let isBigEndian: Bool

  init(_ offset: UInt64, _ width: Int, isBigEndian: Bool = false) {
    self.offset = offset
    self.width = width
    self.isBigEndian = isBigEndian
  }
}

/// Where the fields of ext4's structures lie: only as much as it takes to change them.
struct Ext4Fields {
  let blockSize: Int
  /// Feature `metadata_csum`.
  let hasChecksums: Bool
  private let inodeSize: UInt64
  private let inodesPerGroup: UInt64
  private let descriptorSize: UInt64
  private let descriptorTable: UInt64
  private let descriptorCount: UInt64

  /// Fails where the device holds no ext4 that is whole enough.
  init?(_ device: any BlockDevice) {
    guard let bytes = try? device.bytes(1024, at: 1024) else { return nil }
    let superblock = bytes.rawSpan
    guard let magic = try? superblock.le16(56), magic == 0xEF53, let logarithm = try? superblock.le32(24),
      logarithm <= 6,
      let perGroup = try? superblock.le32(40), perGroup > 0, let size = try? superblock.le16(88),
      let first = try? superblock.le32(20), let incompatible = try? superblock.le32(96),
      let readOnly = try? superblock.le32(100), let length = try? superblock.le16(254),
      let blocks = try? superblock.le32(4), let group = try? superblock.le32(32)
    else { return nil }
    blockSize = 1024 << Int(logarithm)
    hasChecksums = readOnly & 0x400 != 0
    inodesPerGroup = UInt64(perGroup)
    inodeSize = UInt64(max(size, 128))
    descriptorSize = incompatible & 0x80 != 0 ? UInt64(length) : 32
    descriptorTable = UInt64(first + 1) * UInt64(blockSize)
    descriptorCount = group == 0 ? 1 : min(UInt64(blocks / group) + 1, 64)
  }

  var superblock: [Field] {
    let words: [UInt64] = [
      0, 4, 20, 24, 28, 32, 36, 40, 84, 92, 96, 100, 200, 204, 224, 236, 260, 336, 340, 344, 352, 356, 624, 628,
    ]
    let halves: [UInt64] = [58, 76, 88, 206, 254, 350]
    let bytes: [UInt64] = [252, 253, 372, 373, 374, 375]
    return words.map { Field(1024 + $0, 4) } + halves.map { Field(1024 + $0, 2) } + bytes.map { Field(1024 + $0, 1) }
  }

  var descriptors: [Field] {
    (0..<descriptorCount).flatMap { group in
      let start = descriptorTable + group * descriptorSize
      let wide: [UInt64] = descriptorSize >= 64 ? [32, 36, 40] : []
      return ([0, 4, 8] + wide).map { Field(start + $0, 4) } + [12, 14, 18, 28, 30].map { Field(start + $0, 2) }
    }
  }

  /// The inode's bytes, from its group's descriptor; nil where that says nothing usable.
  func inode(_ number: UInt64, in device: any BlockDevice) -> Range<UInt64>? {
    guard number > 0 else { return nil }
    let group = (number - 1) / inodesPerGroup
    let descriptor = descriptorTable + group * descriptorSize
    guard group < 1 << 20, let bytes = try? device.bytes(Int(max(descriptorSize, 32)), at: descriptor),
      let low = try? bytes.rawSpan.le32(8)
    else { return nil }
    let start = UInt64(low) * UInt64(blockSize) + (number - 1) % inodesPerGroup * inodeSize
    return device.contains(inodeSize, at: start) ? start..<(start + inodeSize) : nil
  }

  func fields(ofInode inode: Range<UInt64>, in device: any BlockDevice) -> [Field] {
    let start = inode.lowerBound
    var fields = [4, 28, 32, 100, 104, 108, 132].map { Field(start + $0, 4) }
    fields += [0, 26, 116, 118, 128].map { Field(start + $0, 2) }
    guard let bytes = try? device.bytes(inode.count, at: start) else { return fields }
    let span = bytes.rawSpan
    if let magic = try? span.le16(40), magic == 0xF30A {
      fields += extentNode(at: start + 40, entries: 4)
    } else {
      fields += (0..<15).map { Field(start + 40 + UInt64($0) * 4, 4) }
    }
    if inode.count > 160, let extra = try? span.le16(128), Int(extra) + 128 + 24 <= inode.count {
      let area = start + 128 + UInt64(extra)
      fields.append(Field(area, 4))
      fields += attributeEntry(at: area + 4) + attributeEntry(at: area + 4 + 20)
    }
    return fields
  }

  /// The fields of a block of metadata, told by what is in it; empty where that is unknown.
  func fields(ofBlock block: [UInt8], at offset: UInt64) -> [Field] {
    let span = block.rawSpan
    guard block.count >= 64, let magic = try? span.le32(0), let big = try? span.be32(0) else { return [] }
    if magic & 0xFFFF == 0xF30A { return extentNode(at: offset, entries: 8) }
    if magic == 0xEA02_0000 {
      return [8, 0].map { Field(offset + $0, 4) } + attributeEntry(at: offset + 32) + attributeEntry(at: offset + 52)
    }
    if big == 0xC03B_3998 {
      return (0..<24).map { Field(offset + UInt64($0) * 4, 4, isBigEndian: true) }
    }
    return directory(span, at: offset)
  }

  private func extentNode(at start: UInt64, entries: UInt64) -> [Field] {
    [0, 2, 4, 6].map { Field(start + $0, 2) }
      + (0..<entries).flatMap { entry in
        let place = start + 12 + entry * 12
        return [Field(place, 4), Field(place + 4, 4), Field(place + 4, 2), Field(place + 6, 2), Field(place + 8, 4)]
      }
  }

  private func attributeEntry(at start: UInt64) -> [Field] {
    [Field(start, 1), Field(start + 1, 1), Field(start + 2, 2), Field(start + 4, 4), Field(start + 8, 4)]
  }

  private func directory(_ block: RawSpan, at offset: UInt64) -> [Field] {
    var fields: [Field] = []
    var place = 0
    while fields.count < 400, place + 8 <= block.byteCount, let length = try? block.le16(place + 4), length >= 8,
      length & 3 == 0, let nameLength = try? block.u8(place + 6), Int(nameLength) + 8 <= Int(length)
    {
      let start = offset + UInt64(place)
      fields += [Field(start, 4), Field(start + 4, 2), Field(start + 6, 1), Field(start + 7, 1), Field(start + 8, 1)]
      place += Int(length)
    }
    guard place == block.byteCount || !fields.isEmpty else { return [] }
    // An index: the root's behind ".." and any other's behind its one empty entry.
    if fields.count <= 10 {
      fields += [28, 29, 30, 31].map { Field(offset + $0, 1) }
      for start in [8, 32] as [UInt64] {
        fields += [Field(offset + start, 2), Field(offset + start + 2, 2)]
        fields += (0..<6).map { Field(offset + start + 4 + $0 * 4, 4) }
      }
    }
    return fields
  }
}
