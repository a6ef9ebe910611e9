/// Arithmetic on numbers that come from an image: it throws where the plain operators trap.
extension FixedWidthInteger {
  @inlinable @inline(__always)
  public func adding(_ other: Self, of subject: StaticString) throws(ReadError) -> Self {
    let (sum, overflow) = addingReportingOverflow(other)
    guard !overflow else { throw .corrupt(subject, at: nil) }
    return sum
  }

  @inlinable @inline(__always)
  public func subtracting(_ other: Self, of subject: StaticString) throws(ReadError) -> Self {
    let (difference, overflow) = subtractingReportingOverflow(other)
    guard !overflow else { throw .corrupt(subject, at: nil) }
    return difference
  }

  @inlinable @inline(__always)
  public func multiplied(by other: Self, of subject: StaticString) throws(ReadError) -> Self {
    let (product, overflow) = multipliedReportingOverflow(by: other)
    guard !overflow else { throw .corrupt(subject, at: nil) }
    return product
  }

  /// The number as another integer type.
  @inlinable @inline(__always)
  public func converted<T: FixedWidthInteger>(to _: T.Type, of subject: StaticString) throws(ReadError) -> T {
    guard let value = T(exactly: self) else { throw .corrupt(subject, at: nil) }
    return value
  }
}

extension UInt64 {
  /// The least multiple of `unit` (which is not 0) that is not below this number, or the greatest number
  /// where that would overflow.
  @inlinable
  public func roundedUp(toMultipleOf unit: UInt64) -> UInt64 {
    let rest = self % unit
    guard rest != 0 else { return self }
    let (sum, overflow) = addingReportingOverflow(unit - rest)
    return overflow ? .max : sum
  }
}
