extension String {
  /// Text of an image that was made by a program in C: it ends at a zero byte.
  init(terminated bytes: [UInt8]) { self.init(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self) }
}
