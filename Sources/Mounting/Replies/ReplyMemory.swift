internal import BlockDevices
internal import Bytes
internal import CFuse
internal import Glibc

/// A reply made of pieces of memory: decoded units where they lie in their cache, zeros that all replies share, and what
/// has to be read into memory of the worker's own.
// Safe: it holds every unit that it refers to, and is used within one request, while nobody else uses the scratch memory.
@safe final class ReplyMemory {
  private let scratch: UnsafeMutableRawBufferPointer
  private let zeros: UnsafeRawBufferPointer
  private var pieces: [iovec]
  private var units: [DecodedBytes] = []
  /// Bytes of the scratch memory that are taken.
  private var taken = 0

  /// Bytes that were appended.
  private(set) var count = 0
  /// Of them, those of holes.
  private(set) var zeroCount = 0

  /// - Parameters:
  ///   - scratch: room for all that is not in memory already.
  ///   - zeros: as many as a reply can have.
  // Safe: whoever calls this keeps both as long as the reply is used.
  @unsafe init(scratch: UnsafeMutableRawBufferPointer, zeros: UnsafeRawBufferPointer) {
    unsafe self.scratch = scratch
    unsafe self.zeros = zeros
    unsafe pieces = []
  }

  func append(_ extent: HostExtent) throws(ReadError) {
    // Safe: the lengths are checked, and the units are held until the reply is sent.
    let length = Int(extent.length)
    switch extent.kind {
    case .hole:
      guard unsafe length <= zeros.count else { throw .corrupt("data") }
      unsafe append(UnsafeRawBufferPointer(rebasing: zeros.prefix(length)))
      zeroCount += length
    case .encoded(let unit, let skip) where unit.isCached:
      let decoded = try unit.decoded()
      guard skip <= decoded.count, length <= decoded.count - skip else {
        throw .corrupt("decoded unit", at: unit.unit.id)
      }
      units.append(decoded)
      unsafe append(UnsafeRawBufferPointer(rebasing: decoded.buffer[skip..<(skip + length)]))
    case .host, .encoded:
      try append(length) { (out) throws(ReadError) in try extent.read(into: &out) }
    }
  }

  /// Appends `length` bytes that `read` makes.
  func append(_ length: Int, _ read: (inout OutputRawSpan) throws(ReadError) -> Void) throws(ReadError) {
    guard unsafe length <= scratch.count - taken else { throw .corrupt("data") }
    let room = unsafe UnsafeMutableRawBufferPointer(rebasing: scratch[taken..<(taken + length)])
    var out = unsafe OutputRawSpan(buffer: room, initializedCount: 0)
    try read(&out)
    // Safe: the span was made of this room.
    guard unsafe out.finalize(for: room) == length else { throw .corrupt("data") }
    taken += length
    unsafe append(UnsafeRawBufferPointer(room))
  }

  @unsafe private func append(_ memory: UnsafeRawBufferPointer) {
    unsafe pieces.append(iovec(iov_base: UnsafeMutableRawPointer(mutating: memory.baseAddress), iov_len: memory.count))
    count += memory.count
  }

  func send(to request: Request) {
    // The units are held until the kernel has copied them.
    withExtendedLifetime(units) { unsafe request.answer(pieces: pieces) }
  }
}
