internal import Bytes

extension VHD {
  /// Names in UTF-16, up to a zero.
  enum UTF16Text {
    static func decode(_ span: RawSpan, isBigEndian: Bool) -> String {
      var units: [UInt16] = []
      for index in 0..<(span.byteCount / 2) {
        let (first, second) = (UInt16(span[2 * index]), UInt16(span[2 * index + 1]))
        let unit = isBigEndian ? first &<< 8 | second : second &<< 8 | first
        if unit == 0 { break }
        units.append(unit)
      }
      return String(decoding: units, as: UTF16.self)
    }
  }
}
