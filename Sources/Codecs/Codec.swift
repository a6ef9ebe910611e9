public import Bytes
internal import CCodecs

/// Codecs of compressed units, by the libraries that are known for them. What a unit decodes to has a size that the image's format
/// states: less and more are both errors, and no more than that much memory is ever taken.
public enum Codec: Sendable {
  /// Deflate without any frame (RFC 1951). What follows the compressed data is ignored.
  case deflate
  /// Deflate in the frame of RFC 1950, with its checksum. What follows it is ignored.
  case zlib
  /// A Zstandard frame (RFC 8878). What follows it is ignored.
  case zstd

  /// Appends exactly `count` decoded bytes of `input` to `out`, which has room for them.
  /// - Throws: `.corrupt(subject)` where the input is damaged, or decodes to another number of bytes.
  public func decode(
    _ input: RawSpan, count: Int, of subject: StaticString, into out: inout OutputRawSpan
  ) throws(ReadError) {
    precondition(count <= out.freeCapacity)
    // Safe: the codecs get the free part of the output, `count` bytes of it, and say how much of it they wrote; the
    // input is there for the length of the call.
    try unsafe out.withUnsafeMutableBytes { (buffer, initialized) throws(ReadError) in
      let room = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[initialized..<(initialized + count)])
      let isWhole = unsafe input.withUnsafeBytes { source in
        switch self {
        case .deflate: unsafe DeflateDecoder.decode(source, in: .none, into: room)
        case .zlib: unsafe DeflateDecoder.decode(source, in: .zlib, into: room)
        case .zstd: unsafe ZstandardDecoder.decode(source, into: room)
        }
      }
      guard isWhole else { throw .corrupt(subject) }
      initialized += count
    }
  }
}
