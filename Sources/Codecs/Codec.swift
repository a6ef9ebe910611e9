public import Bytes
internal import CCodecs
internal import SystemPackage

/// Codecs of compressed units, by the libraries that are known for them. What a unit decodes to has a size, or a limit of
/// its size, that the image's format states: more is an error, and no more than that much memory is ever filled.
public enum Codec: Sendable, Equatable {
  /// Deflate without any frame (RFC 1951). What follows the compressed data is ignored.
  case deflate
  /// Deflate in the frame of RFC 1950, with its checksum. What follows it is ignored.
  case zlib
  /// A Zstandard frame (RFC 8878). What follows it is ignored.
  case zstd
  /// A stream of the .xz format, with whatever filters of machine code it names; its checksums are verified. What
  /// follows it is ignored.
  case xz
  /// LZMA behind the 13 bytes of the .lzma format's header, which state the decoded size: with an end marker or without.
  /// What follows it is ignored.
  case lzma
  /// A stream of MicroLZMA: raw LZMA whose first byte, always zero, is the inverse of the properties instead. It takes
  /// all of the input. The dictionary's size is in bytes, 4096 or more.
  case microLZMA(dictionary: UInt32)
  /// A block of LZ4, without any frame. It takes all of the input.
  case lz4
  /// LZO1X, without any frame. It takes all of the input. See `missingLibrary`.
  case lzo

  /// The library without which this codec cannot be used here, where it is one that is loaded when it is wanted and is
  /// not there; else nil.
  public var missingLibrary: String? {
    self == .lzo && !LZODecoder.isAvailable ? LZODecoder.libraryName : nil
  }

  /// Appends exactly `count` decoded bytes of `input` to `out`, which has room for them.
  /// - Throws: `.corrupt(subject)` where the input is damaged, or decodes to another number of bytes; `.unsupported`
  ///   where it needs a library that is not there, or more memory than a unit of that size should.
  public func decode(
    _ input: RawSpan, count: Int, of subject: StaticString, into out: inout OutputRawSpan
  ) throws(ReadError) {
    try decode(input, as: .exactly, into: &out, limit: count, of: subject)
  }

  /// Appends all that `input` decodes to, which is `limit` bytes at most; `out` has room for that many.
  /// - Returns: how many bytes were appended.
  /// - Throws: as `decode(_:count:of:into:)`; more than `limit` bytes are `.corrupt`.
  @discardableResult
  public func decode(
    _ input: RawSpan, upTo limit: Int, of subject: StaticString, into out: inout OutputRawSpan
  ) throws(ReadError) -> Int {
    try decode(input, as: .atMost, into: &out, limit: limit, of: subject)
  }

  /// Appends the first `count` bytes of what `input` decodes to, which may be more; `out` has room for so many. Bytes of
  /// the input behind those that they need are not looked at, whatever they are.
  ///
  /// For MicroLZMA, LZ4, Deflate and Zstandard.
  public func decodePrefix(
    _ input: RawSpan, count: Int, of subject: StaticString, into out: inout OutputRawSpan
  ) throws(ReadError) {
    try decode(input, as: .prefix, into: &out, limit: count, of: subject)
  }

  /// How much of what the input decodes to is wanted: so many bytes, which is all of it; all of it, which is so many bytes
  /// at most; so many bytes, behind which there may be more.
  private enum Extent { case exactly, atMost, prefix }

  @discardableResult
  private func decode(
    _ input: RawSpan, as extent: Extent, into out: inout OutputRawSpan, limit: Int, of subject: StaticString
  ) throws(ReadError) -> Int {
    precondition(limit >= 0 && limit <= out.freeCapacity)
    // Safe: the codecs get the free part of the output, `limit` bytes of it, and say how much of it they wrote; the
    // input is there for the length of the call.
    return try unsafe out.withUnsafeMutableBytes { (buffer, initialized) throws(ReadError) in
      let room = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[initialized..<(initialized + limit)])
      let decoded = unsafe input.withUnsafeBytes { source in
        extent == .prefix
          ? unsafe decodePrefix(source, into: room)
          : unsafe decodeWhole(source, into: room, isExact: extent == .exactly)
      }
      switch decoded {
      case .bytes(let count) where count <= limit && (extent == .atMost || count == limit):
        initialized += count
        return count
      case .bytes, .damaged: throw .corrupt(subject)
      case .needsMore: throw .unsupported(subject)
      case .noMemory: throw ReadError(.io(.noMemory), subject)
      }
    }
  }

  private func decodeWhole(
    _ source: UnsafeRawBufferPointer, into room: UnsafeMutableRawBufferPointer, isExact: Bool
  ) -> DecodingResult {
    // Safe: the caller's sizes are right.
    switch self {
    case .deflate: unsafe DeflateDecoder.decode(source, in: .none, into: room)
    case .zlib: unsafe DeflateDecoder.decode(source, in: .zlib, into: room)
    case .zstd: unsafe ZstandardDecoder.decode(source, into: room)
    case .xz: unsafe LZMADecoder.decodeXZ(source, into: room)
    case .lzma: unsafe LZMADecoder.decodeAlone(source, into: room)
    case .microLZMA(let dictionary):
      unsafe LZMADecoder.decodeMicro(source, into: room, dictionary: dictionary, isWhole: isExact)
    case .lz4: unsafe LZ4Decoder.decode(source, into: room)
    case .lzo: unsafe LZODecoder.decode(source, into: room)
    }
  }

  private func decodePrefix(
    _ source: UnsafeRawBufferPointer, into room: UnsafeMutableRawBufferPointer
  ) -> DecodingResult {
    // Safe: the caller's sizes are right.
    switch self {
    case .deflate: unsafe DeflateDecoder.decodePrefix(source, in: .none, into: room)
    case .zlib: unsafe DeflateDecoder.decodePrefix(source, in: .zlib, into: room)
    case .zstd: unsafe ZstandardDecoder.decodePrefix(source, into: room)
    case .microLZMA(let dictionary):
      unsafe LZMADecoder.decodeMicro(source, into: room, dictionary: dictionary, isWhole: false)
    case .lz4: unsafe LZ4Decoder.decodePrefix(source, into: room)
    case .xz, .lzma, .lzo: .needsMore
    }
  }
}

/// What came of decoding a unit.
enum DecodingResult {
  /// So many bytes were written, from the start of the room.
  case bytes(Int)
  /// The input is damaged, or decodes to more than there is room for.
  case damaged
  /// The input uses what the library does not have, or the library is not there, or it asks for too much memory.
  case needsMore
  case noMemory
}
