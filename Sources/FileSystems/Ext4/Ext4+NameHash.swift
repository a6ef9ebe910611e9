internal import Bytes

/// The hash by which an indexed directory orders its names.
///
/// Specified in the kernel's Documentation/filesystems/ext4/directory.rst ("Hash Tree Directories") and, for the
/// functions themselves, by fs/ext4/hash.c.
extension Ext4 {
  /// `dx_root_info.hash_version`, with the superblock's flags saying whether the bytes of names count as signed
  /// (`EXT2_FLAGS_SIGNED_HASH`) or unsigned: that takes legacy, half MD4 and TEA to the three unsigned versions.
  enum HashVersion: UInt8, Sendable {
    case legacy = 0
    case halfMD4 = 1
    case tea = 2
    case legacyUnsigned = 3
    case halfMD4Unsigned = 4
    case teaUnsigned = 5
    /// Of encrypted directories that fold case; keyed with the directory's secret.
    case sipHash = 6
  }

  struct NameHash: Equatable, Sendable {
    /// Orders the names of a directory; its lowest bit is 0 (an index entry uses that bit to say "continued").
    let major: UInt32
    let minor: UInt32

    /// The hash of `name`, or nil where it takes a key (`sipHash`).
    /// - Parameter seed: `s_hash_seed` as four little-endian words; all zero stands for the default seed.
    static func of(
      _ name: RawSpan, version: HashVersion, seed: (UInt32, UInt32, UInt32, UInt32)
    ) -> NameHash? {
      var state = seed
      if seed.0 | seed.1 | seed.2 | seed.3 == 0 { state = (0x6745_2301, 0xEFCD_AB89, 0x98BA_DCFE, 0x1032_5476) }
      let major: UInt32
      let minor: UInt32
      switch version {
      case .legacy, .legacyUnsigned:
        major = legacyHash(name, signed: version == .legacy)
        minor = 0
      case .halfMD4, .halfMD4Unsigned:
        forEachChunk(of: name, words: 8, signed: version == .halfMD4) { mixHalfMD4($0, into: &state) }
        major = state.1
        minor = state.2
      case .tea, .teaUnsigned:
        forEachChunk(of: name, words: 4, signed: version == .tea) { mixTEA($0, into: &state) }
        major = state.0
        minor = state.1
      case .sipHash:
        return nil
      }
      let even = major & ~1
      // The greatest value marks the end of a directory in the kernel's cookies, so no name may have it.
      return NameHash(major: even == 0xFFFF_FFFE ? 0xFFFF_FFFC : even, minor: minor)
    }
  }
}

/// A byte as the word that hashing takes it for.
private func word(_ byte: UInt8, signed: Bool) -> UInt32 {
  signed ? UInt32(bitPattern: Int32(Int8(bitPattern: byte))) : UInt32(byte)
}

private func legacyHash(_ name: RawSpan, signed: Bool) -> UInt32 {
  var older: UInt32 = 0x37AB_E8F9
  var newer: UInt32 = 0x12A3_FE2D
  for index in 0..<name.byteCount {
    var next = older &+ (newer ^ (word(name[index], signed: signed) &* 7_152_373))
    if next & 0x8000_0000 != 0 { next &-= 0x7FFF_FFFF }
    older = newer
    newer = next
  }
  return newer << 1
}

/// Gives the name to `body` in chunks of `words` big-endian words; what the last one lacks is filled with the number
/// of bytes that are left, repeated in each byte.
private func forEachChunk(of name: RawSpan, words: Int, signed: Bool, _ body: (InlineArray<8, UInt32>) -> Void) {
  var start = 0
  while start < name.byteCount {
    let left = name.byteCount - start
    let padding = UInt32(truncatingIfNeeded: left) &* 0x0101_0101
    var chunk = InlineArray<8, UInt32>(repeating: padding)
    let count = min(left, words * 4)
    var value = padding
    for index in 0..<count {
      value = word(name[start + index], signed: signed) &+ (value << 8)
      if index % 4 == 3 {
        chunk[index / 4] = value
        value = padding
      }
    }
    if count % 4 != 0 { chunk[count / 4] = value }
    body(chunk)
    start += words * 4
  }
}

/// MD4's three rounds (RFC 1320, section 3.4), each over eight words in place of sixteen.
private func mixHalfMD4(_ words: InlineArray<8, UInt32>, into state: inout (UInt32, UInt32, UInt32, UInt32)) {
  var (a, b, c, d) = state

  /// One round: four steps for each half of `order`, with the roles of a, b, c and d going round.
  func round(
    _ order: InlineArray<8, Int>, _ shifts: InlineArray<4, UInt32>, adding constant: UInt32,
    _ mix: (UInt32, UInt32, UInt32) -> UInt32
  ) {
    for step in 0..<8 {
      let sum = a &+ mix(b, c, d) &+ words[order[step]] &+ constant
      let shift = shifts[step % 4]
      (a, b, c, d) = (d, sum << shift | sum >> (32 &- shift), b, c)
    }
  }

  round([0, 1, 2, 3, 4, 5, 6, 7], [3, 7, 11, 19], adding: 0) { ($0 & $1) | (~$0 & $2) }
  round([1, 3, 5, 7, 0, 2, 4, 6], [3, 5, 9, 13], adding: 0x5A82_7999) { ($0 & $1) | ($0 & $2) | ($1 & $2) }
  round([3, 7, 2, 6, 1, 5, 0, 4], [3, 9, 11, 15], adding: 0x6ED9_EBA1) { $0 ^ $1 ^ $2 }

  state = (state.0 &+ a, state.1 &+ b, state.2 &+ c, state.3 &+ d)
}

/// Sixteen cycles of the Tiny Encryption Algorithm, keyed by a chunk of the name.
private func mixTEA(_ key: InlineArray<8, UInt32>, into state: inout (UInt32, UInt32, UInt32, UInt32)) {
  var (left, right) = (state.0, state.1)
  var sum: UInt32 = 0
  for _ in 0..<16 {
    sum &+= 0x9E37_79B9
    left &+= ((right << 4) &+ key[0]) ^ (right &+ sum) ^ ((right >> 5) &+ key[1])
    right &+= ((left << 4) &+ key[2]) ^ (left &+ sum) ^ ((left >> 5) &+ key[3])
  }
  state.0 &+= left
  state.1 &+= right
}
