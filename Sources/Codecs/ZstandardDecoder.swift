internal import CCodecs
internal import Synchronization

/// Zstandard, by libzstd. Its contexts are large and are used again.
@safe final class ZstandardDecoder: @unchecked Sendable {
  /// Only the one thread that has taken this object uses it.
  private let context: OpaquePointer

  private init?() {
    // Safe: freed when this object goes.
    guard let made = unsafe ZSTD_createDCtx() else { return nil }
    unsafe context = made
  }

  deinit {
    // Safe: nobody else has it.
    unsafe ZSTD_freeDCtx(context)
  }

  /// Contexts that are not in use; there are never more than there are threads that decode.
  private static let idle = Mutex<[ZstandardDecoder]>([])

  /// Decodes the frame that `source` begins with.
  static func decode(_ source: UnsafeRawBufferPointer, into room: UnsafeMutableRawBufferPointer) -> DecodingResult {
    // Safe: the library reads and writes within the sizes given. Decoded in one step, a frame needs no window of its
    // own, whose size it could choose.
    let frameSize = unsafe ZSTD_findFrameCompressedSize(source.baseAddress, source.count)
    guard ZSTD_isError(frameSize) == 0 else { return .damaged }
    guard let decoder = idle.withLock({ $0.popLast() }) ?? ZstandardDecoder() else { return .noMemory }
    defer { idle.withLock { $0.append(decoder) } }
    let count = unsafe ZSTD_decompressDCtx(
      decoder.context, room.baseAddress, room.count, source.baseAddress, frameSize)
    return ZSTD_isError(count) == 0 ? .bytes(count) : .damaged
  }

  /// log2 of the largest window that a frame may ask for when it is not decoded as a whole: 16 MiB.
  private static let longestWindowLog: CInt = 24

  /// Decodes as much as there is room for of the frame that `source` begins with.
  static func decodePrefix(_ source: UnsafeRawBufferPointer, into room: UnsafeMutableRawBufferPointer) -> DecodingResult
  {
    guard let decoder = idle.withLock({ $0.popLast() }) ?? ZstandardDecoder() else { return .noMemory }
    defer { idle.withLock { $0.append(decoder) } }
    // Safe: the library reads and writes within the sizes given, and forgets what it was in the middle of when it is
    // reset.
    defer { unsafe _ = ZSTD_DCtx_reset(decoder.context, ZSTD_reset_session_and_parameters) }
    unsafe _ = ZSTD_DCtx_setParameter(decoder.context, ZSTD_d_windowLogMax, longestWindowLog)
    var input = unsafe ZSTD_inBuffer(src: source.baseAddress, size: source.count, pos: 0)
    var output = unsafe ZSTD_outBuffer(dst: room.baseAddress, size: room.count, pos: 0)
    while unsafe output.pos < output.size {
      let (before, written) = unsafe (input.pos, output.pos)
      let rest = unsafe ZSTD_decompressStream(decoder.context, &output, &input)
      guard ZSTD_isError(rest) == 0 else { return .damaged }
      // The frame has ended, or nothing comes any more.
      if unsafe rest == 0 || (input.pos == before && output.pos == written) { break }
    }
    return unsafe .bytes(output.pos)
  }
}
