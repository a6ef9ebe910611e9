extension OutputRawSpan {
  /// Appends the bytes of `span`. Traps where they do not fit: the caller made the room.
  @_lifetime(self: copy self)
  public mutating func append(contentsOf span: RawSpan) {
    precondition(span.byteCount <= freeCapacity)
    // Safe: the room is checked on the line above.
    unsafe withUnsafeMutableBytes { buffer, initialized in
      let room = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[initialized...])
      unsafe span.withUnsafeBytes { source in unsafe room.copyMemory(from: source) }
      initialized += span.byteCount
    }
  }

  /// Appends `count` zero bytes. Traps where they do not fit: the caller made the room.
  @_lifetime(self: copy self)
  public mutating func append(zeros count: Int) {
    // Safe: a zero byte is a valid byte; the capacity is checked by the call.
    unsafe append(repeating: 0, count: count, as: UInt8.self)
  }
}

extension Array where Element == UInt8 {
  /// An array of `count` bytes, filled by `body`.
  /// - Precondition: `body` appends exactly `count` bytes or throws.
  public static func filled<E: Error>(
    _ count: Int, _ body: (inout OutputRawSpan) throws(E) -> Void
  ) throws(E) -> [UInt8] {
    // Safe: `finalize` checks that the span is the buffer's, and says how much of it is initialized.
    try unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized throws(E) in
      let raw = UnsafeMutableRawBufferPointer(buffer)
      var span = unsafe OutputRawSpan(buffer: raw, initializedCount: 0)
      try body(&span)
      initialized = unsafe span.finalize(for: raw)
      precondition(initialized == count)
    }
  }
}

extension Array where Element == UInt8 {
  /// The array's bytes, borrowed.
  @inlinable
  public var rawSpan: RawSpan {
    @_lifetime(borrow self)
    get {
      // Safe: `Span.bytes` is marked unsafe for the sake of elements with padding, and bytes have none.
      unsafe span.bytes
    }
  }
}
