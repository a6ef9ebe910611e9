internal import CCodecs
internal import Synchronization

/// LZMA in its containers, by liblzma. Its decoders hold a dictionary, and are used again.
@safe final class LZMADecoder: @unchecked Sendable {
  /// Only the one thread that has taken this object uses it. It has one address for life: the library keeps pointers.
  private let stream: UnsafeMutablePointer<lzma_stream>

  private init() {
    // Safe: freed when this object goes. A stream of zeros is one that is not initialized, by the library's word.
    unsafe stream = .allocate(capacity: 1)
    unsafe stream.initialize(to: lzma_stream())
  }

  deinit {
    // Safe: nobody else has it.
    unsafe lzma_end(stream)
    unsafe stream.deallocate()
  }

  /// Decoders that are not in use; there are never more than there are threads that decode.
  private static let idle = Mutex<[LZMADecoder]>([])

  /// Bytes a decoder may take besides as many as a unit decodes to, which is what a dictionary has to hold: for its
  /// tables, and for small units of an image whose dictionary was chosen for large ones.
  private static let memoryMargin: UInt64 = 4 << 20

  private static func withDecoder(_ body: (LZMADecoder) -> DecodingResult) -> DecodingResult {
    let decoder = idle.withLock { $0.popLast() } ?? LZMADecoder()
    defer { idle.withLock { $0.append(decoder) } }
    return body(decoder)
  }

  /// Decodes the .xz stream that `source` begins with.
  static func decodeXZ(_ source: UnsafeRawBufferPointer, into room: UnsafeMutableRawBufferPointer) -> DecodingResult {
    withDecoder { decoder in
      // Safe: the stream is ours; initializing it anew keeps the memory that fits.
      let status = unsafe lzma_stream_decoder(decoder.stream, UInt64(room.count) + memoryMargin, 0)
      guard status == LZMA_OK else { return failure(status) }
      let (end, written) = unsafe decoder.run(over: source, into: room)
      return end == LZMA_STREAM_END ? .bytes(written) : failure(end)
    }
  }

  /// Decodes what `source` begins with: the header of the .lzma format (properties, 1 byte; size of the dictionary, 4;
  /// decoded size, 8) and a raw LZMA stream.
  ///
  /// Some who write this format end the stream with a marker though its size is known, some do not. So the library is
  /// told that the size is not known, and the size is compared here.
  static func decodeAlone(_ source: UnsafeRawBufferPointer, into room: UnsafeMutableRawBufferPointer) -> DecodingResult
  {
    guard source.count > headerSize else { return .damaged }
    // Safe: the header's bytes are there, by the line above.
    var header = unsafe [UInt8](source[..<headerSize])
    let dictionary = header[1...4].reversed().reduce(0 as UInt64) { $0 << 8 | UInt64($1) }
    let stated = header[5...].reversed().reduce(0 as UInt64) { $0 << 8 | UInt64($1) }
    let isSizeKnown = stated != .max
    guard !isSizeKnown || stated <= UInt64(room.count) else { return .damaged }
    for index in 5..<headerSize { header[index] = 0xff }
    // Nothing can refer to further back than the unit begins: memory for a larger dictionary would be wasted.
    let needed = UInt32(clamping: min(dictionary, max(UInt64(room.count), 4096)))
    for index in 0..<4 { header[1 + index] = UInt8(truncatingIfNeeded: needed >> UInt32(8 * index)) }

    return withDecoder { decoder in
      let status = unsafe lzma_alone_decoder(decoder.stream, UInt64(room.count) + memoryMargin)
      guard status == LZMA_OK else { return failure(status) }
      // Safe: both pieces of input are there for the length of the calls, and `room` is as large as is said.
      let headerStatus = unsafe header.withUnsafeBytes { bytes in
        unsafe decoder.stream.pointee.next_out = room.baseAddress?.assumingMemoryBound(to: UInt8.self)
        unsafe decoder.stream.pointee.avail_out = isSizeKnown ? Int(stated) : room.count
        unsafe decoder.stream.pointee.next_in = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
        unsafe decoder.stream.pointee.avail_in = bytes.count
        return unsafe lzma_code(decoder.stream, LZMA_RUN)
      }
      guard headerStatus == LZMA_OK else { return failure(headerStatus) }
      let rest = unsafe UnsafeRawBufferPointer(rebasing: source[headerSize...])
      let (end, written) = unsafe decoder.run(
        over: rest, into: UnsafeMutableRawBufferPointer(rebasing: room[..<(isSizeKnown ? Int(stated) : room.count)]))
      guard isSizeKnown else { return end == LZMA_STREAM_END ? .bytes(written) : failure(end) }
      guard end == LZMA_STREAM_END || end == LZMA_OK || end == LZMA_BUF_ERROR else { return failure(end) }
      return UInt64(written) == stated ? .bytes(written) : .damaged
    }
  }

  private static let headerSize = 13

  /// Decodes the stream of MicroLZMA that `source` is, until there is no more room.
  /// - Parameters:
  ///   - dictionary: bytes.
  ///   - isWhole: whether the stream ends where the room does: then it has to.
  static func decodeMicro(
    _ source: UnsafeRawBufferPointer, into room: UnsafeMutableRawBufferPointer, dictionary: UInt32, isWhole: Bool
  ) -> DecodingResult {
    withDecoder { decoder in
      // Nothing can refer to further back than the unit begins.
      let needed = max(min(dictionary, UInt32(clamping: room.count)), 4096)
      // Safe: the stream is ours; initializing it anew keeps the memory that fits.
      let status = unsafe lzma_microlzma_decoder(
        decoder.stream, UInt64(source.count), UInt64(room.count), isWhole ? 1 : 0, needed)
      guard status == LZMA_OK else { return failure(status) }
      let (end, written) = unsafe decoder.run(over: source, into: room)
      guard end == LZMA_STREAM_END || (!isWhole && written == room.count) else { return failure(end) }
      return .bytes(written)
    }
  }

  /// Decodes all of `source` or as much as there is room for. What was set before a decoder saw its header goes on: the
  /// room is the same then.
  private func run(
    over source: UnsafeRawBufferPointer, into room: UnsafeMutableRawBufferPointer
  ) -> (status: lzma_ret, written: Int) {
    // Safe: the library reads and writes within the sizes given.
    unsafe stream.pointee.next_in = source.baseAddress?.assumingMemoryBound(to: UInt8.self)
    unsafe stream.pointee.avail_in = source.count
    unsafe stream.pointee.next_out = room.baseAddress?.assumingMemoryBound(to: UInt8.self)
    unsafe stream.pointee.avail_out = room.count
    let status = unsafe lzma_code(stream, LZMA_FINISH)
    return unsafe (status, room.count - stream.pointee.avail_out)
  }

  private static func failure(_ status: lzma_ret) -> DecodingResult {
    switch status {
    case LZMA_MEM_ERROR: .noMemory
    case LZMA_MEMLIMIT_ERROR, LZMA_OPTIONS_ERROR: .needsMore
    default: .damaged
    }
  }
}
