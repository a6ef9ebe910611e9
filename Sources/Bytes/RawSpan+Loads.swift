/// Bounds-checked loads of integers in either byte order.
///
/// Everything read from an image goes through these: an offset out of bounds is a `ReadError`, never a trap.
extension RawSpan {
  /// The integer at byte `offset`, in the host's byte order.
  /// - Throws: `.corrupt(subject)` where it would not lie wholly within the span.
  @inlinable @inline(__always)
  func load<T: FixedWidthInteger & BitwiseCopyable>(
    _: T.Type, at offset: Int, of subject: StaticString
  ) throws(ReadError) -> T {
    guard offset >= 0, byteCount &- offset >= MemoryLayout<T>.size else {
      throw .corrupt(subject, at: UInt64(clamping: offset))
    }
    // Safe: the bounds are checked on the line above, and every bit pattern is a valid integer.
    return unsafe unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: T.self)
  }

  @inlinable @inline(__always)
  public func u8(_ offset: Int, of subject: StaticString = "structure") throws(ReadError) -> UInt8 {
    try load(UInt8.self, at: offset, of: subject)
  }

  @inlinable @inline(__always)
  public func le16(_ offset: Int, of subject: StaticString = "structure") throws(ReadError) -> UInt16 {
    UInt16(littleEndian: try load(UInt16.self, at: offset, of: subject))
  }

  @inlinable @inline(__always)
  public func le32(_ offset: Int, of subject: StaticString = "structure") throws(ReadError) -> UInt32 {
    UInt32(littleEndian: try load(UInt32.self, at: offset, of: subject))
  }

  @inlinable @inline(__always)
  public func le64(_ offset: Int, of subject: StaticString = "structure") throws(ReadError) -> UInt64 {
    UInt64(littleEndian: try load(UInt64.self, at: offset, of: subject))
  }

  @inlinable @inline(__always)
  public func be16(_ offset: Int, of subject: StaticString = "structure") throws(ReadError) -> UInt16 {
    UInt16(bigEndian: try load(UInt16.self, at: offset, of: subject))
  }

  @inlinable @inline(__always)
  public func be32(_ offset: Int, of subject: StaticString = "structure") throws(ReadError) -> UInt32 {
    UInt32(bigEndian: try load(UInt32.self, at: offset, of: subject))
  }

  @inlinable @inline(__always)
  public func be64(_ offset: Int, of subject: StaticString = "structure") throws(ReadError) -> UInt64 {
    UInt64(bigEndian: try load(UInt64.self, at: offset, of: subject))
  }

  /// The `count` bytes from `offset` on.
  /// - Throws: `.corrupt(subject)` where they do not lie wholly within the span.
  @_lifetime(copy self)
  @inlinable
  public func slice(_ offset: Int, count: Int, of subject: StaticString = "structure") throws(ReadError) -> RawSpan {
    guard offset >= 0, count >= 0, offset <= byteCount, byteCount &- offset >= count else {
      throw .corrupt(subject, at: UInt64(clamping: offset))
    }
    return extracting(offset..<(offset &+ count))
  }

  /// A copy of the `count` bytes from `offset` on.
  public func bytes(_ offset: Int, count: Int, of subject: StaticString = "structure") throws(ReadError) -> [UInt8] {
    let part = try slice(offset, count: count, of: subject)
    return part.array
  }

  /// A copy of the whole span.
  public var array: [UInt8] {
    let count = byteCount
    // Safe: the buffer has exactly `count` bytes of room.
    return unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
      unsafe withUnsafeBytes { source in
        unsafe UnsafeMutableRawBufferPointer(buffer).copyMemory(from: source)
      }
      initialized = count
    }
  }

  /// Whether both spans hold the same bytes.
  public func equals(_ other: RawSpan) -> Bool {
    guard byteCount == other.byteCount else { return false }
    var start = 0
    while byteCount &- start >= 8 {
      // Safe: eight bytes are left in both.
      let left = unsafe unsafeLoadUnaligned(fromUncheckedByteOffset: start, as: UInt64.self)
      let right = unsafe other.unsafeLoadUnaligned(fromUncheckedByteOffset: start, as: UInt64.self)
      if left != right { return false }
      start &+= 8
    }
    for index in start..<byteCount {
      // Safe: `index` is below both counts.
      let left = unsafe unsafeLoad(fromUncheckedByteOffset: index, as: UInt8.self)
      let right = unsafe other.unsafeLoad(fromUncheckedByteOffset: index, as: UInt8.self)
      if left != right { return false }
    }
    return true
  }
}
