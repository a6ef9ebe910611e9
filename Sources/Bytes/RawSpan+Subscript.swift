extension RawSpan {
  /// The byte at `offset`, for loops that run over a span's own indices. Traps out of bounds, as an array does: an
  /// offset that comes from an image goes through `u8` instead.
  @inlinable
  public subscript(_ offset: Int) -> UInt8 {
    precondition(offset >= 0 && offset < byteCount)
    // Safe: the bounds are checked on the line above.
    return unsafe unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self)
  }
}
