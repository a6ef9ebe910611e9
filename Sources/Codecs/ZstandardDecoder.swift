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
}
