internal import CCodecs

/// Deflate, by zlib.
enum Inflater {
  /// Whether `source` decodes to exactly the bytes of `room`, and fills it.
  static func inflate(
    _ source: UnsafeRawBufferPointer, into room: UnsafeMutableRawBufferPointer, windowBits: CInt
  ) -> Bool {
    guard source.count <= Int(CUnsignedInt.max), room.count <= Int(CUnsignedInt.max) else { return false }
    var stream = unsafe z_stream()
    // Safe: the stream is a local that is ended on every way out. zlib reads no more than `avail_in` and writes no more
    // than `avail_out` bytes.
    guard unsafe vitrine_inflateInit2(&stream, windowBits) == Z_OK else { return false }
    defer { unsafe inflateEnd(&stream) }
    unsafe stream.next_in = UnsafeMutablePointer(
      mutating: source.baseAddress?.assumingMemoryBound(to: UInt8.self))
    unsafe stream.avail_in = CUnsignedInt(source.count)
    unsafe stream.next_out = room.baseAddress?.assumingMemoryBound(to: UInt8.self)
    unsafe stream.avail_out = CUnsignedInt(room.count)
    var status = unsafe zlib_inflate(&stream)
    guard unsafe stream.avail_out == 0 else { return false }
    if status == Z_STREAM_END { return true }

    // All is there, but not the end: what is left must not hold another byte. A bare stream may be cut off there.
    var extra: UInt8 = 0
    return unsafe withUnsafeMutablePointer(to: &extra) { spare in
      unsafe stream.next_out = spare
      unsafe stream.avail_out = 1
      status = unsafe zlib_inflate(&stream)
      guard unsafe stream.avail_out == 1 else { return false }
      return status == Z_STREAM_END || windowBits < 0 && status == Z_BUF_ERROR
    }
  }

  private static func zlib_inflate(_ stream: UnsafeMutablePointer<z_stream>) -> CInt {
    // Safe: the caller's stream is initialized.
    unsafe CCodecs.inflate(stream, Z_FINISH)
  }
}
