internal import Bytes

extension VHD {
  /// A piece of a block's sector bitmap: the first sector is the highest bit of the first byte.
  enum Bitmap {
    /// Whether the sector at `bit` is marked, and the first sector behind it that is not the same, or `end`.
    /// - Parameters:
    ///   - bitmap: a multiple of eight bytes.
    ///   - bit: below `end`, which is within the bitmap.
    static func run(in bitmap: RawSpan, from bit: Int, to end: Int) throws(ReadError) -> (isSet: Bool, end: Int) {
      let isSet = try bitmap.u8(bit >> 3, of: "sector bitmap") & (0x80 &>> UInt8(bit & 7)) != 0
      var position = bit
      while position < end {
        let word = try bitmap.be64((position >> 6) << 3, of: "sector bitmap")
        let shift = position & 63
        // The bits that are the same become zeros, which are counted at once.
        let same = ((isSet ? ~word : word) &<< UInt64(shift)).leadingZeroBitCount
        if same < 64 - shift {
          position += same
          break
        }
        position += 64 - shift
      }
      return (isSet, min(position, end))
    }
  }
}
