internal import CCodecs

/// LZO1X, by liblzo2: loaded when the first unit is decoded, and not linked. It is under the GPL, which a program that
/// needs it to start would have to be, too; and few images want it.
enum LZODecoder {
  /// The name under which the library is installed; its interface has not changed since 2005.
  static let libraryName = "liblzo2.so.2"

  static var isAvailable: Bool { unsafe function != nil }

  /// Loaded once, and never unloaded; nil where it is not there.
  private static let function: vitrine_lzo_decompress? = {
    // Safe: the name is a constant; a handle that is never closed keeps the function's code where it is. The type is
    // that of the library's documentation.
    guard let library = unsafe dlopen(libraryName, RTLD_NOW | RTLD_LOCAL),
      let symbol = unsafe dlsym(library, "lzo1x_decompress_safe")
    else { return nil }
    return unsafe unsafeBitCast(symbol, to: vitrine_lzo_decompress.self)
  }()

  /// Decodes the stream that `source` is as a whole.
  static func decode(_ source: UnsafeRawBufferPointer, into room: UnsafeMutableRawBufferPointer) -> DecodingResult {
    guard let decompress = unsafe function else { return .needsMore }
    guard let from = source.baseAddress, let to = room.baseAddress else { return .damaged }
    var count = UInt(room.count)
    // Safe: this variant of the function checks both bounds at each step. It needs no memory to work in.
    let status = unsafe decompress(
      from.assumingMemoryBound(to: UInt8.self), UInt(source.count), to.assumingMemoryBound(to: UInt8.self), &count, nil)
    return status == 0 ? .bytes(Int(count)) : .damaged
  }
}
