import Bytes
import Testing

/// Bisection finds what looking at each index finds.
@Suite struct PartitioningIndexTests {
  @Test func isTheFirstOfTheSecondPart() {
    let values = [1, 3, 3, 7, 9, 9, 9, 12]
    for wanted in 0...13 {
      #expect(
        values.indices.partitioningIndex { values[$0] >= wanted }
          == values.firstIndex { $0 >= wanted } ?? values.endIndex, "\(wanted)")
    }
    #expect((3..<6).partitioningIndex { _ in true } == 3)
    #expect((3..<6).partitioningIndex { _ in false } == 6)
    #expect((5..<5).partitioningIndex { _ in true } == 5)
  }

  @Test func anErrorEndsIt() {
    struct Failure: Error {}
    #expect(throws: Failure.self) {
      try (0..<8).partitioningIndex { (index) throws(Failure) -> Bool in throw Failure() }
    }
  }
}
