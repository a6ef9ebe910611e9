public import Bytes

/// A random-access, read-only array of bytes: a host file, a partition, a virtual disk, a file in a filesystem.
public protocol BlockDevice: AnyObject, Sendable {
  /// Bytes.
  var size: UInt64 { get }

  /// Appends the `count` bytes at `offset` to `out`, which has room for them.
  ///
  /// All of them or an error: there is no short read.
  /// - Throws: `.truncated` where the range ends past `size`.
  func read(_ count: Int, at offset: UInt64, into out: inout OutputRawSpan) throws(ReadError)

  /// Tells where the bytes of `range` lie on the host.
  ///
  /// The extents appended are ascending and contiguous and start at `range.lowerBound`. They cover the range, or
  /// a part of it where the list becomes full first: at least one extent is appended for a range not empty, and
  /// the caller asks again from the list's end.
  func resolve(_ range: Range<UInt64>, into extents: inout HostExtentList) throws(ReadError)
}

extension BlockDevice {
  /// The `count` bytes at `offset`, in memory of their own. For small things: the caller bounds `count`.
  public func bytes(_ count: Int, at offset: UInt64) throws(ReadError) -> [UInt8] {
    try .filled(count) { (out) throws(ReadError) in try read(count, at: offset, into: &out) }
  }

  /// Whether the `count` bytes at `offset` lie within the device.
  @inlinable
  public func contains(_ count: UInt64, at offset: UInt64) -> Bool {
    offset <= size && count <= size - offset
  }
}
