import Foundation
import TestSupport
import Testing

/// `vitrine inspect`, run as people run it.
@Suite struct InspectTests {
  static let cases = ["gpt", "mbr", "hybrid", "bsd", "apple", "other", "truncated", "bare"].flatMap(Fixture.all(of:))

  private func inspect(
    _ fixture: Fixture, _ arguments: [String] = [], environment: [String: String] = [:]
  ) throws -> CommandResult {
    var command = [vitrineBinary, "inspect", try fixture.image()] + arguments
    if let size = try fixture.note("Sector size") { command += ["--sector-size", size] }
    return try run(
      command, environment: ["LC_ALL": "C.UTF-8", "COLUMNS": "100"].merging(environment) { _, new in new })
  }

  /// Without what differs from host to host.
  private func normalized(_ json: String) -> String {
    json.replacingOccurrences(of: "\"filename\": \".*\"", with: "\"filename\": \"image\"", options: .regularExpression)
      .replacingOccurrences(of: "\"actual-size\": [0-9]+", with: "\"actual-size\": 0", options: .regularExpression)
  }

  private func expectGolden(_ text: String, _ file: String, of fixture: Fixture) throws {
    if ProcessInfo.processInfo.environment["VITRINE_UPDATE_GOLDEN"] == "1" {
      try text.write(to: fixture.directory.appendingPathComponent(file), atomically: true, encoding: .utf8)
    }
    let golden = try #require(try fixture.text(file), "\(fixture) has no \(file); VITRINE_UPDATE_GOLDEN=1 makes it")
    #expect(text == golden)
  }

  @Test(arguments: cases)
  func jsonIsGolden(fixture: Fixture) throws {
    let result = try inspect(fixture, ["--json"])
    #expect(result.status == (fixture.isHostile || fixture.name == "absurd-numbers" ? 65 : 0), "\(result.errors)")
    #expect(result.errors.isEmpty)
    try expectGolden(normalized(result.output), "inspect.json", of: fixture)
  }

  @Test(arguments: cases)
  func jsonFitsItsSchema(fixture: Fixture) throws {
    let schema = try JSONSchema(
      Data(contentsOf: Fixture.package.appendingPathComponent("man/vitrine-inspect.schema.json")))
    let output = Data(try inspect(fixture, ["--json"]).output.utf8)
    #expect(try schema.violations(in: output) == [])
  }

  @Test func schemaRefusesWhatDoesNotFit() throws {
    let schema = try JSONSchema(
      Data(contentsOf: Fixture.package.appendingPathComponent("man/vitrine-inspect.schema.json")))
    let output = try inspect(Fixture("gpt", "basic"), ["--json"]).output
    for (good, bad) in [
      ("\"size\": ", "\"size\": -"), ("\"readable\"", "\"fine\""), ("\"clean\": true", "\"clean\": 1"),
      ("\"fstype\"", "\"kind\""),
    ] {
      let changed = output.replacingOccurrences(of: good, with: bad)
      #expect(changed != output)
      #expect(try !schema.violations(in: Data(changed.utf8)).isEmpty, "\(bad)")
    }
  }

  /// Some trees as they are meant to look.
  @Test(arguments: [
    Fixture("gpt", "basic"), Fixture("gpt", "contents"), Fixture("gpt", "names"), Fixture("mbr", "logical"),
    Fixture("truncated", "gpt-inside-partition"), Fixture("bare", "label-bytes"), Fixture("bsd", "in-mbr"),
    Fixture("gpt", "should-fail-both-bad"), Fixture("hybrid", "iso"),
  ])
  func treeIsGolden(fixture: Fixture) throws {
    let output = try inspect(fixture).output
    let lines = output.split(separator: "\n", omittingEmptySubsequences: false)
    let path = try fixture.image()
    let first = lines[0].replacingOccurrences(of: path, with: "image")
      .replacingOccurrences(of: "[0-9.]+ [KM]?i?B allocated", with: "… allocated", options: .regularExpression)
    try expectGolden(([first] + lines.dropFirst().map(String.init)).joined(separator: "\n"), "inspect.txt", of: fixture)
  }

  @Test(arguments: cases)
  func treeIsHarmlessAndFits(fixture: Fixture) throws {
    let output = try inspect(fixture).output
    for line in output.split(separator: "\n").dropFirst() { #expect(line.count <= 100, "\(line)") }
    #expect(!output.unicodeScalars.contains { $0 != "\n" && $0.properties.generalCategory == .control })
    let ascii = try inspect(fixture, environment: ["LC_ALL": "C"]).output
    #expect(!ascii.contains("─"))
  }

  @Test func colourIsAskedFor() throws {
    let disk = Fixture("gpt", "basic")
    #expect(try !inspect(disk).output.contains("\u{1B}"))
    #expect(try inspect(disk, ["--color", "always"]).output.contains("\u{1B}["))
    #expect(try !inspect(disk, ["--color=never"]).output.contains("\u{1B}"))
    let terminal = ["script", "-qec", "\(vitrineBinary) inspect '\(try disk.image())'", "/dev/null"]
    let coloured = try run(terminal, environment: ["TERM": "xterm", "NO_COLOR": ""])
    #expect(coloured.output.contains("\u{1B}["), "\(coloured)")
    #expect(try !run(terminal, environment: ["TERM": "xterm", "NO_COLOR": "1"]).output.contains("\u{1B}["))
  }

  @Test func oneVolume() throws {
    let output = try inspect(Fixture("gpt", "basic"), ["-p", "LABEL=root", "--json"]).output
    let object = try #require(JSONSerialization.jsonObject(with: Data(output.utf8)) as? [String: Any])
    #expect((object["children"] as? [[String: Any]])?.map { $0["number"] as? Int } == [2])
    let missing = try inspect(Fixture("gpt", "basic"), ["-p", "7"])
    #expect(missing.status == 64)
    #expect(missing.errors.split(separator: "\n").count == 1)
  }

  @Test func bytes() throws {
    let output = try inspect(Fixture("gpt", "basic"), ["-b"]).output
    #expect(output.contains("  2097152  at 2097152  ext4"))
    #expect(!output.contains("MiB"))
  }

  /// A full device is told of, and not taken for success.
  @Test func fullOutput() throws {
    let image = try Fixture("gpt", "basic").image()
    let result = try run(["sh", "-c", "exec '\(vitrineBinary)' inspect '\(image)' > /dev/full"])
    #expect(result.status == 74)
  }
}
