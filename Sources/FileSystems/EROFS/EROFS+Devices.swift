internal import BlockDevices
internal import Bytes
internal import SystemPackage

/// Further devices, which hold contents: `struct erofs_deviceslot`, 128 bytes each, at a multiple of 128 bytes from the
/// start of the device.
///
/// All devices together form one range of block numbers, if the slots say where each begins in it: then a block number
/// alone says the device, too. If nobody has a further device, but the device itself is long enough to hold what the
/// slots place behind it, all are in there ("flat").
extension EROFS {
  struct DeviceTable: Sendable {
    static let slotSize: UInt64 = 128
    /// Further devices at most. The format can name more, but nobody has that many.
    private static let limit = 1024
    /// Missing devices that are told of one by one.
    private static let noticeLimit = 16

    struct Slot: Sendable {
      /// What the maker called it: a file's name or a digest, without zeros.
      let tag: [UInt8]
      /// Bytes.
      let size: UInt64
      /// Byte offset in the range of all devices; 0 for none.
      let start: UInt64
      /// Index of its device in `sources`; nil where it is missing.
      let source: Int?
      /// Byte offset in that device of its first byte: not 0 only where it lies in the first device.
      let base: UInt64
    }

    /// The device itself, and the further ones that were found.
    let sources: [any BlockDevice]
    let slots: [Slot]
    /// The bits of a chunk's device number that count.
    private let numberMask: UInt16

    /// What to tell of missing devices.
    let notices: [String]
  }
}

extension EROFS.DeviceTable {
  init(of superblock: EROFS.Superblock, on device: any BlockDevice, options: OpenOptions) throws(ReadError) {
    var sources: [any BlockDevice] = [device]
    var slots: [Slot] = []
    var notices: [String] = []
    var missing = 0
    let subject: StaticString = "device table"
    guard superblock.furtherDeviceCount <= Self.limit else { throw .unsupported("number of further devices") }
    for number in 0..<superblock.furtherDeviceCount {
      let offset = superblock.deviceTableStart + UInt64(number) * Self.slotSize
      let bytes = try device.bytes(Int(Self.slotSize), at: offset)
      let is48Bit = superblock.incompatible.contains(.fortyEightBit)
      let blocks = UInt64(try bytes.rawSpan.le32(64)) | (is48Bit ? UInt64(try bytes.rawSpan.le16(72)) << 32 : 0)
      let firstBlock = UInt64(try bytes.rawSpan.le32(68)) | (is48Bit ? UInt64(try bytes.rawSpan.le16(76)) << 32 : 0)
      let size = try superblock.offset(ofBlock: blocks)
      let start = try superblock.offset(ofBlock: firstBlock)
      let end = try start.adding(size, of: subject)
      let tag = Array(bytes.prefix(64).prefix { $0 != 0 })
      var source: Int?
      var base: UInt64 = 0
      if let found = try options.findDevice?(ExtraDevice(number: number + 1, tag: tag, size: size)) {
        source = sources.count
        sources.append(found)
      } else if start > 0, end <= device.size {
        source = 0
        base = start
      } else {
        missing += 1
        if missing <= Self.noticeLimit {
          let name = tag.isEmpty ? "" : " (\(Escaped.text(String(decoding: tag, as: UTF8.self))))"
          notices.append(
            "further device \(number + 1)\(name) is missing: what lies on it cannot be read; --device says where it is")
        }
      }
      slots.append(Slot(tag: tag, size: size, start: start, source: source, base: base))
    }
    if missing > Self.noticeLimit { notices.append("\(missing - Self.noticeLimit) more further devices are missing") }
    self.sources = sources
    self.slots = slots
    self.notices = notices
    var mask: UInt32 = 0
    while mask < UInt32(slots.count) { mask = mask << 1 | 1 }
    numberMask = UInt16(truncatingIfNeeded: mask)
  }

  /// Where a run of bytes lies.
  ///
  /// - Parameters:
  ///   - number: of the device; 0 where the address is one in the range of all devices.
  ///   - length: bytes, which lie on one device.
  func place(_ address: UInt64, length: UInt64, on number: UInt16 = 0) throws(ReadError) -> (
    source: Int, offset: UInt64
  ) {
    if slots.isEmpty { return (0, address) }
    let index = Int(number & numberMask)
    if index > 0 {
      guard index <= slots.count else { throw .corrupt("device number", at: UInt64(index)) }
      return try place(address, in: slots[index - 1])
    }
    for slot in slots where slot.start > 0 && address >= slot.start && address - slot.start < slot.size {
      guard length <= slot.size - (address - slot.start) else { throw .corrupt("extent", at: address) }
      return try place(address - slot.start, in: slot)
    }
    return (0, address)
  }

  private func place(_ offset: UInt64, in slot: Slot) throws(ReadError) -> (source: Int, offset: UInt64) {
    guard let source = slot.source else { throw .io(.noSuchAddressOrDevice, "further device", at: offset) }
    return (source, try offset.adding(slot.base, of: "extent"))
  }
}
