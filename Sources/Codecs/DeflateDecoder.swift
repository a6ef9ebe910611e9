internal import CCodecs
internal import Synchronization

/// Deflate, by libdeflate: made for units that are decoded whole, and twice as fast at that as zlib.
@safe final class DeflateDecoder: @unchecked Sendable {
  /// Only the one thread that has taken this object uses it.
  private let decompressor: OpaquePointer

  enum Frame { case none, zlib }

  private init?() {
    // Safe: freed when this object goes.
    guard let made = unsafe libdeflate_alloc_decompressor() else { return nil }
    unsafe decompressor = made
  }

  deinit {
    // Safe: nobody else has it.
    unsafe libdeflate_free_decompressor(decompressor)
  }

  /// Decompressors that are not in use; there are never more than there are threads that decode.
  private static let idle = Mutex<[DeflateDecoder]>([])

  /// Decodes the stream that `source` begins with.
  static func decode(
    _ source: UnsafeRawBufferPointer, in frame: Frame, into room: UnsafeMutableRawBufferPointer
  ) -> DecodingResult {
    guard let decoder = idle.withLock({ $0.popLast() }) ?? DeflateDecoder() else { return .noMemory }
    defer { idle.withLock { $0.append(decoder) } }
    // Safe: the library reads and writes within the sizes given. The `_ex` calls let other bytes follow the stream.
    var used = 0
    var written = 0
    let result =
      switch frame {
      case .none:
        unsafe libdeflate_deflate_decompress_ex(
          decoder.decompressor, source.baseAddress, source.count, room.baseAddress, room.count, &used, &written)
      case .zlib:
        unsafe libdeflate_zlib_decompress_ex(
          decoder.decompressor, source.baseAddress, source.count, room.baseAddress, room.count, &used, &written)
      }
    return result == LIBDEFLATE_SUCCESS ? .bytes(written) : .damaged
  }
}
