/// CRC-32 as zlib, Ethernet and GPT have it (polynomial 0x04C11DB7 reflected, inverted before and after).
///
/// One byte at a time: it checks partition tables, which are small.
public struct CRC32: Sendable {
  private var state: UInt32 = ~0

  public init() {}

  /// The checksum of what was fed so far.
  public var value: UInt32 { ~state }

  private static let table: [UInt32] = (0..<256).map { index in
    var crc = UInt32(index)
    for _ in 0..<8 { crc = crc & 1 == 1 ? (crc >> 1) ^ 0xEDB8_8320 : crc >> 1 }
    return crc
  }

  public mutating func update(_ bytes: RawSpan) {
    let table = Self.table.span
    var crc = state
    for index in 0..<bytes.byteCount {
      // Safe: `index` is below the count.
      let byte = unsafe bytes.unsafeLoad(fromUncheckedByteOffset: index, as: UInt8.self)
      crc = (crc >> 8) ^ table[Int((crc ^ UInt32(byte)) & 0xFF)]
    }
    state = crc
  }

  /// Feeds `count` zero bytes: what a checksum field counts as in its own structure.
  public mutating func update(zeros count: Int) {
    let table = Self.table.span
    for _ in 0..<count { state = (state >> 8) ^ table[Int(state & 0xFF)] }
  }
}
