/// CRC-32C (Castagnoli, polynomial 0x1EDC6F41 reflected), as ext4, XFS, Btrfs and VHDX use it.
///
/// Neither inverted before nor after: a format that wants that (most do) gives `~0` as its seed and inverts the
/// result itself; ext4 does not invert the result.
public struct CRC32C: Sendable {
  public private(set) var value: UInt32

  public init(seed: UInt32 = ~0) { value = seed }

  /// Eight tables of 256 entries: table k advances a byte through k further zero bytes ("slicing by 8").
  private static let tables: [UInt32] = {
    var tables = [UInt32](repeating: 0, count: 8 * 256)
    for index in 0..<256 {
      var crc = UInt32(index)
      for _ in 0..<8 { crc = crc & 1 == 1 ? (crc >> 1) ^ 0x82F6_3B78 : crc >> 1 }
      tables[index] = crc
    }
    for index in 256..<(8 * 256) {
      let previous = tables[index - 256]
      tables[index] = (previous >> 8) ^ tables[Int(previous & 0xFF)]
    }
    return tables
  }()

  public mutating func update(_ bytes: RawSpan) {
    let tables = Self.tables.span
    var crc = value
    var offset = 0
    let count = bytes.byteCount
    while count &- offset >= 8 {
      // Safe: eight bytes are left, and table indices are a byte plus a multiple of 256 below 2048.
      let word = unsafe bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt64.self)
      let mixed = UInt64(littleEndian: word) ^ UInt64(crc)
      crc = unsafe tables[unchecked: 0x700 | Int(mixed & 0xFF)]
      crc ^= unsafe tables[unchecked: 0x600 | Int(mixed >> 8 & 0xFF)]
      crc ^= unsafe tables[unchecked: 0x500 | Int(mixed >> 16 & 0xFF)]
      crc ^= unsafe tables[unchecked: 0x400 | Int(mixed >> 24 & 0xFF)]
      crc ^= unsafe tables[unchecked: 0x300 | Int(mixed >> 32 & 0xFF)]
      crc ^= unsafe tables[unchecked: 0x200 | Int(mixed >> 40 & 0xFF)]
      crc ^= unsafe tables[unchecked: 0x100 | Int(mixed >> 48 & 0xFF)]
      crc ^= unsafe tables[unchecked: Int(mixed >> 56)]
      offset &+= 8
    }
    while offset < count {
      let byte = unsafe bytes.unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self)
      crc = (crc >> 8) ^ tables[Int((crc ^ UInt32(byte)) & 0xFF)]
      offset &+= 1
    }
    value = crc
  }

  /// Feeds an integer in little-endian order.
  public mutating func update(le value: UInt32) {
    let tables = Self.tables.span
    var crc = self.value
    for shift in stride(from: UInt32(0), to: 32, by: 8) {
      crc = (crc >> 8) ^ tables[Int((crc ^ (value >> shift)) & 0xFF)]
    }
    self.value = crc
  }

  /// Feeds `count` zero bytes: what a checksum field counts as in its own structure.
  public mutating func update(zeros count: Int) {
    let tables = Self.tables.span
    for _ in 0..<count { value = (value >> 8) ^ tables[Int(value & 0xFF)] }
  }
}
