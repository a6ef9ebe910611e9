/// A generator whose seed can be printed and used again (SplitMix64).
public struct SeededGenerator: RandomNumberGenerator, Sendable {
  private var state: UInt64

  public init(seed: UInt64) { state = seed }

  public mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }

  /// A range within `0 ..< size` that is not empty: often short, often aligned, often at the end.
  public mutating func range(in size: UInt64, largest: UInt64) -> Range<UInt64> {
    var start = UInt64.random(in: 0..<size, using: &self)
    switch UInt8.random(in: 0..<4, using: &self) {
    case 0: start &= ~4095
    case 1: start = size - min(size, UInt64.random(in: 1...5000, using: &self))
    default: break
    }
    var length = UInt64.random(in: 1...largest, using: &self)
    if Bool.random(using: &self) { length = min(length, UInt64.random(in: 1...5000, using: &self)) }
    return start..<(start + min(length, size - start))
  }
}
