import FileSystems
import TestSupport
import Testing

@testable import vitrine

@Suite struct InspectFormatTests {
  @Test(
    arguments: [
      (0, "0 B"), (1023, "1023 B"), (1024, "1 KiB"), (1536, "1.5 KiB"), (1 << 20, "1 MiB"), ((1 << 20) - 1, "1023 KiB"),
      (1_503_238_553, "1.3 GiB"), (1 << 40, "1 TiB"), (.max, "15.9 EiB"),
    ] as [(UInt64, String)])
  func sizes(bytes: UInt64, text: String) {
    #expect(InspectFormat.size(bytes) == text)
    #expect(InspectFormat.size(bytes, exact: true) == "\(bytes)")
  }

  @Test(
    arguments: [(0, 0, "0%"), (1, 3, "33%"), (3, 3, "100%"), (.max, .max, "100%"), (5, 4, "125%"), (.max, 1, "100%")]
      as [(UInt64, UInt64, String)])
  func percentages(part: UInt64, whole: UInt64, text: String) {
    #expect(InspectFormat.percentage(part, of: whole) == text)
  }

  @Test func counts() {
    #expect([0, 999, 1000, 1_234_567].map { InspectFormat.count($0) } == ["0", "999", "1,000", "1,234,567"])
  }

  /// date(1) has a calendar of its own.
  @Test(
    arguments: [
      0, -1, 951_782_399, 951_782_400, 951_868_800, 4_102_444_799, 4_102_444_800, -2_203_891_200, -62_135_596_800,
      15_032_385_535, 1_700_000_000,
    ] as [Int64])
  func timesEqualThoseOfDate(seconds: Int64) throws {
    let theirs = try runSuccessfully(["date", "-u", "-d", "@\(seconds)", "+%Y-%m-%dT%H:%M:%SZ"]).output
    #expect(InspectFormat.time(Timestamp(seconds: seconds)) + "\n" == theirs)
  }

  @Test func noTimeIsTooFar() {
    #expect(InspectFormat.time(Timestamp(seconds: .max)).hasSuffix("Z"))
    #expect(InspectFormat.time(Timestamp(seconds: .min)).hasPrefix("-"))
  }

  @Test func columns() {
    #expect(InspectFormat.columns(of: "Größe") == 5)
    #expect(InspectFormat.columns(of: "容量 💾") == 7)
    #expect(InspectFormat.columns(of: "e\u{301}") == 1)
  }

  @Test func jsonTextIsEscaped() {
    let value = JSONValue.object([
      ("a\"b", .strings(["\u{1}\n\\\u{7F}\u{9B}é", ""])), ("n", .null), ("o", .object([])),
    ])
    #expect(
      value.text
        == "{\n  \"a\\\"b\": [\n    \"\\u0001\\n\\\\\\u007f\\u009bé\",\n    \"\"\n  ],\n  \"n\": null,\n  \"o\": {\n  }\n}"
    )
  }
}
