internal import Glibc

/// Bytes that were decoded once and never change, in memory that stays in its place: a reply can refer to it.
// Safe: the memory is written by the initializer only, and freed when nobody has the object.
@safe public final class DecodedBytes: @unchecked Sendable {
  private let memory: UnsafeMutableRawBufferPointer
  /// Bytes.
  public let count: Int

  /// Memory for at most `capacity` bytes, filled by `body`.
  public init<E: Error>(
    capacity: Int, _ body: (inout OutputRawSpan) throws(E) -> Void
  ) throws(E) {
    let room = UnsafeMutableRawBufferPointer.allocate(byteCount: max(capacity, 1), alignment: 16)
    var span = unsafe OutputRawSpan(buffer: room, initializedCount: 0)
    do {
      try body(&span)
    } catch {
      // Safe: the room is ours, and nobody else has seen it.
      unsafe room.deallocate()
      throw error
    }
    count = unsafe span.finalize(for: room)
    unsafe memory = room
  }

  deinit { unsafe memory.deallocate() }

  public var bytes: RawSpan {
    @_lifetime(borrow self)
    get {
      // Safe: `count` bytes are initialized, and live as long as this object.
      let initialized = unsafe UnsafeRawBufferPointer(rebasing: memory.prefix(count))
      return unsafe _overrideLifetime(RawSpan(_unsafeBytes: initialized), borrowing: self)
    }
  }

  /// Appends the bytes `part` to `out`, which has room for them.
  /// - Throws: `.corrupt` where there are not as many.
  public func append(_ part: Range<Int>, to out: inout OutputRawSpan) throws(ReadError) {
    out.append(contentsOf: try bytes.slice(part.lowerBound, count: part.count, of: "decoded unit"))
  }

  /// The memory itself, valid while the object is held.
  @unsafe public var buffer: UnsafeRawBufferPointer {
    unsafe UnsafeRawBufferPointer(rebasing: memory.prefix(count))
  }
}
