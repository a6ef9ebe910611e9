/// CRC-16 with polynomial 0x8005 reflected ("CRC-16/ARC" but for the seed), as ext4's group descriptors use it.
public struct CRC16: Sendable {
  public private(set) var value: UInt16

  public init(seed: UInt16 = ~0) { value = seed }

  private static let table: [UInt16] = (0..<256).map { index in
    var crc = UInt16(index)
    for _ in 0..<8 { crc = crc & 1 == 1 ? (crc >> 1) ^ 0xA001 : crc >> 1 }
    return crc
  }

  public mutating func update(_ bytes: RawSpan) {
    for index in 0..<bytes.byteCount { update(bytes[index]) }
  }

  /// Feeds an integer in little-endian order.
  public mutating func update(le value: UInt32) {
    for shift in stride(from: UInt32(0), to: 32, by: 8) { update(UInt8(truncatingIfNeeded: value >> shift)) }
  }

  private mutating func update(_ byte: UInt8) {
    value = (value >> 8) ^ Self.table[Int((value ^ UInt16(byte)) & 0xFF)]
  }
}
