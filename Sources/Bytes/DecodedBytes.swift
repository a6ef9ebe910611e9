/// Bytes that were decoded once and never change, in memory that stays in its place: a reply can refer to it.
// Safe: the memory is written by the initializer only, and freed when nobody has the object.
@safe public final class DecodedBytes: @unchecked Sendable {
  private let memory: RecycledMemory
  /// Bytes.
  public let count: Int

  /// Bytes of memory that a unit of at most `capacity` bytes takes.
  public static func footprint(of capacity: Int) -> Int { RecycledMemory.footprint(of: capacity) }

  /// Memory for at most `capacity` bytes, filled by `body`.
  public init<E: Error>(
    capacity: Int, _ body: (inout OutputRawSpan) throws(E) -> Void
  ) throws(E) {
    let memory = RecycledMemory.take(capacity)
    let room = unsafe memory.buffer(capacity)
    var span = unsafe OutputRawSpan(buffer: room, initializedCount: 0)
    do {
      try body(&span)
    } catch {
      // Safe: the memory is ours, and nobody else has seen it.
      unsafe memory.giveBack()
      throw error
    }
    count = unsafe span.finalize(for: room)
    self.memory = memory
  }

  deinit { unsafe memory.giveBack() }

  public var bytes: RawSpan {
    @_lifetime(borrow self)
    get {
      // Safe: `count` bytes are initialized, and live as long as this object.
      let initialized = unsafe buffer
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
    unsafe UnsafeRawBufferPointer(memory.buffer(count))
  }
}
