extension Range where Bound == Int {
  /// The first index that belongs to the second part of a row that is sorted so that all indices for which
  /// `belongsInSecondPart` is false come before all for which it is true; `upperBound` where there is none.
  ///
  /// Asks for a logarithm of the indices. In a row that is not sorted, which an image may well hold, it is some index.
  @inlinable
  public func partitioningIndex<Failure: Error>(
    where belongsInSecondPart: (Int) throws(Failure) -> Bool
  ) throws(Failure) -> Int {
    var low = lowerBound
    var high = upperBound
    while low < high {
      let middle = low + (high - low) / 2
      if try belongsInSecondPart(middle) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
