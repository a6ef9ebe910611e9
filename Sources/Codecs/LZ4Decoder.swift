internal import CCodecs

/// LZ4, by liblz4: blocks without the frame of the .lz4 format.
enum LZ4Decoder {
  /// Decodes the block that `source` is as a whole.
  static func decode(_ source: UnsafeRawBufferPointer, into room: UnsafeMutableRawBufferPointer) -> DecodingResult {
    guard let from = source.baseAddress, let to = room.baseAddress,
      let sourceCount = CInt(exactly: source.count), let roomCount = CInt(exactly: room.count)
    else { return .damaged }
    // Safe: the library reads and writes within the sizes given, whatever the input.
    let count = unsafe LZ4_decompress_safe(
      from.assumingMemoryBound(to: CChar.self), to.assumingMemoryBound(to: CChar.self), sourceCount, roomCount)
    return count < 0 ? .damaged : .bytes(Int(count))
  }

  /// Decodes as much as there is room for of the block that `source` begins with.
  static func decodePrefix(_ source: UnsafeRawBufferPointer, into room: UnsafeMutableRawBufferPointer) -> DecodingResult
  {
    guard let from = source.baseAddress, let to = room.baseAddress,
      let sourceCount = CInt(exactly: source.count), let roomCount = CInt(exactly: room.count)
    else { return .damaged }
    // Safe: as above; it stops when the room is full.
    let count = unsafe LZ4_decompress_safe_partial(
      from.assumingMemoryBound(to: CChar.self), to.assumingMemoryBound(to: CChar.self), sourceCount, roomCount,
      roomCount)
    return count < 0 ? .damaged : .bytes(Int(count))
  }
}
