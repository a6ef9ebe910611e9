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

  /// Whether `source` begins with a frame that decodes to exactly the bytes of `room`, and fills it.
  static func decode(_ source: UnsafeRawBufferPointer, into room: UnsafeMutableRawBufferPointer) -> Bool {
    // Safe: the library reads and writes within the sizes given. Decoded in one step, a frame needs no window of its
    // own, whose size it could choose.
    let frameSize = unsafe ZSTD_findFrameCompressedSize(source.baseAddress, source.count)
    guard ZSTD_isError(frameSize) == 0, let decoder = idle.withLock({ $0.popLast() }) ?? ZstandardDecoder() else {
      return false
    }
    defer { idle.withLock { $0.append(decoder) } }
    return unsafe ZSTD_decompressDCtx(decoder.context, room.baseAddress, room.count, source.baseAddress, frameSize)
      == room.count
  }
}
