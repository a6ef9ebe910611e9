/// XXH32, a hash of 32 bits (xxHash's specification, version 0.1.1), as EROFS uses it for names of attributes.
public enum XXH32 {
  private static let primes: (UInt32, UInt32, UInt32, UInt32, UInt32) = (
    0x9E37_79B1, 0x85EB_CA77, 0xC2B2_AE3D, 0x27D4_EB2F, 0x1656_67B1
  )

  public static func hash(_ bytes: RawSpan, seed: UInt32) -> UInt32 {
    var offset = 0
    let count = bytes.byteCount
    var hash: UInt32
    if count >= 16 {
      var lanes = (
        seed &+ primes.0 &+ primes.1, seed &+ primes.1, seed, seed &- primes.0
      )
      while count - offset >= 16 {
        lanes.0 = round(lanes.0, word(bytes, offset))
        lanes.1 = round(lanes.1, word(bytes, offset + 4))
        lanes.2 = round(lanes.2, word(bytes, offset + 8))
        lanes.3 = round(lanes.3, word(bytes, offset + 12))
        offset += 16
      }
      hash = rotated(lanes.0, 1) &+ rotated(lanes.1, 7) &+ rotated(lanes.2, 12) &+ rotated(lanes.3, 18)
    } else {
      hash = seed &+ primes.4
    }
    hash = hash &+ UInt32(truncatingIfNeeded: count)
    while count - offset >= 4 {
      hash = rotated(hash &+ word(bytes, offset) &* primes.2, 17) &* primes.3
      offset += 4
    }
    while offset < count {
      hash = rotated(hash &+ UInt32(bytes[offset]) &* primes.4, 11) &* primes.0
      offset += 1
    }
    hash = (hash ^ hash >> 15) &* primes.1
    hash = (hash ^ hash >> 13) &* primes.2
    return hash ^ hash >> 16
  }

  private static func round(_ lane: UInt32, _ word: UInt32) -> UInt32 {
    rotated(lane &+ word &* primes.1, 13) &* primes.0
  }

  private static func rotated(_ value: UInt32, _ bits: UInt32) -> UInt32 { value << bits | value >> (32 - bits) }

  /// Four bytes, of which the caller knows that they are there.
  private static func word(_ bytes: RawSpan, _ offset: Int) -> UInt32 {
    UInt32(bytes[offset]) | UInt32(bytes[offset + 1]) << 8 | UInt32(bytes[offset + 2]) << 16
      | UInt32(bytes[offset + 3]) << 24
  }
}
