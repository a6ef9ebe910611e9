extension RawSpan {
  /// The `count` bytes from `offset` on as UTF-16, up to a NUL (`count` is not
  /// negative); the odd byte of an odd count is passed over. What is no
  /// UTF-16 comes out as U+FFFD.
  /// - Throws: `.corrupt(subject)` where a code unit before the NUL does not lie wholly within the span.
  public func utf16(
    _ offset: Int, count: Int, isBigEndian: Bool = false, of subject: StaticString
  ) throws(ReadError) -> String {
    var units: [UInt16] = []
    for index in 0..<(count / 2) {
      let place = offset &+ 2 &* index
      let unit = isBigEndian ? try be16(place, of: subject) : try le16(place, of: subject)
      if unit == 0 { break }
      units.append(unit)
    }
    return String(decoding: units, as: UTF16.self)
  }
}
