import Browsing
import Foundation
import TestSupport
import Testing

/// The order of names with numbers in them, compared with that of sort(1).
@Suite struct VersionOrderTests {
  private static func sorted(_ names: [String]) -> [String] {
    names.sorted { first, second in
      let (one, other) = (Array(first.utf8)[...], Array(second.utf8)[...])
      let comparison = VersionOrder.compare(one, other)
      return comparison == 0 ? one.lexicographicallyPrecedes(other) : comparison < 0
    }
  }

  @Test func equalsThatOfSort() throws {
    var generator = SeededGenerator(seed: 0x7665_7273)
    let letters = Array("0019ab.~-_Z+ ")
    let names = (0..<4000).map { _ in
      String((0..<Int.random(in: 1...9, using: &generator)).map { _ in letters.randomElement(using: &generator)! })
    }
    let scratch = try TemporaryDirectory()
    let list = scratch.path + "/names"
    try (names.joined(separator: "\n") + "\n").write(toFile: list, atomically: true, encoding: .utf8)
    let wanted = try runSuccessfully(["sort", "-V", list], environment: ["LC_ALL": "C"]).output
    #expect(Self.sorted(names) == wanted.split(separator: "\n").map(String.init))
  }

  @Test func numbersCount() {
    #expect(
      Self.sorted(["a10", "a9", "a1", ".b", "..", ".", "1.0", "1.0~rc1", "x1.tar.gz", "x.tar.gz", "a00001b", "a1a"])
        == [".", "..", ".b", "1.0~rc1", "1.0", "a1", "a1a", "a00001b", "a9", "a10", "x.tar.gz", "x1.tar.gz"])
    // Longer than any number that a register holds.
    let long = String(repeating: "9", count: 5000)
    #expect(Self.sorted(["a\(long)9", "a\(long)"]) == ["a\(long)", "a\(long)9"])
  }
}
