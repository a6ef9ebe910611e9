import Foundation
import TestSupport
import Testing

/// `vitrine inspect` on the images of all formats.
@Suite struct InspectFixtureTests {
  static let images = ["qcow2", "qcow", "qed", "vmdk", "vhd", "vhdx", "vdi", "split", "squashfs", "erofs"].flatMap(
    Fixture.all(of:))

  /// Those that have an `inspect.txt`, which may be empty before VITRINE_UPDATE_GOLDEN=1 fills it.
  static let golden = images.filter {
    FileManager.default.fileExists(atPath: $0.directory.appendingPathComponent("inspect.txt").path)
  }

  /// In the image's folder, as people do it: so names stay short.
  private func inspect(_ fixture: Fixture, _ arguments: String..., locale: String = "C.UTF-8") throws -> CommandResult {
    let image = URL(fileURLWithPath: try fixture.image())
    return try run(
      [vitrineBinary, "inspect", image.lastPathComponent] + arguments,
      environment: ["LC_ALL": locale, "COLUMNS": "100"], in: image.deletingLastPathComponent())
  }

  @Test(arguments: images.filter { !$0.isHostile })
  func jsonFitsItsSchema(fixture: Fixture) throws {
    let schema = try JSONSchema(
      Data(contentsOf: Fixture.package.appendingPathComponent("man/vitrine-inspect.schema.json")))
    let result = try inspect(fixture, "--json")
    #expect(result.status == 0 && result.errors.isEmpty, "\(result.errors)")
    #expect(try schema.violations(in: Data(result.output.utf8)) == [])
    let object = try JSONDecoder().decode(JSON.self, from: Data(result.output.utf8))
    let formats = ["vhd": "vpc", "split": "raw", "squashfs": "raw", "erofs": "raw"]
    #expect(object["format"] == .string(formats[fixture.format] ?? fixture.format))
    if let disk = try fixture.disk { #expect(object["virtual-size"] == .number(Double(disk.size))) }
    if case .number(let stored)? = object["allocated-size"], case .number(let size)? = object["virtual-size"] {
      #expect(stored <= size, "more is stored than there is")
    }
  }

  @Test(arguments: images.filter { !$0.isHostile })
  func treeIsHarmlessAndFits(fixture: Fixture) throws {
    let output = try inspect(fixture).output
    #expect(!output.isEmpty)
    for line in output.split(separator: "\n") { #expect(line.count <= 100, "\(line)") }
    #expect(!output.unicodeScalars.contains { $0 != "\n" && $0.properties.generalCategory == .control })
    #expect(
      try inspect(fixture, locale: "C").output.unicodeScalars.filter { "─│├└".unicodeScalars.contains($0) }.isEmpty)
  }

  @Test func someAreGolden() {
    #expect(Set(Self.golden.map(\.format)).isSuperset(of: ["vmdk", "vhdx", "split", "squashfs", "erofs"]))
  }

  /// Of each format some as they are meant to look. What files take on the host differs from host to host.
  @Test(arguments: golden)
  func outputIsGolden(fixture: Fixture) throws {
    let tree = try inspect(fixture).output
      .replacingOccurrences(of: "[0-9.]+ [KM]?i?B allocated", with: "… allocated", options: .regularExpression)
    try expectGolden(tree, "inspect.txt", of: fixture)
    let json = try inspect(fixture, "--json").output
      .replacingOccurrences(of: "\"actual-size\": [0-9]+", with: "\"actual-size\": 0", options: .regularExpression)
    try expectGolden(json, "inspect.json", of: fixture)
  }

  private func expectGolden(_ text: String, _ file: String, of fixture: Fixture) throws {
    if ProcessInfo.processInfo.environment["VITRINE_UPDATE_GOLDEN"] == "1" {
      try text.write(to: fixture.directory.appendingPathComponent(file), atomically: true, encoding: .utf8)
    }
    let golden = try #require(try fixture.text(file), "\(fixture) has no \(file); VITRINE_UPDATE_GOLDEN=1 makes it")
    #expect(text == golden)
  }

  /// Where an image cannot be opened, one line says so, and names it.
  @Test(arguments: images.filter { $0.isHostile && !["squashfs", "erofs"].contains($0.format) })
  func refusalIsOneLine(fixture: Fixture) throws {
    let opening = try #require(try fixture.text("expect.txt")).split(separator: "\n").first { $0.hasPrefix("open ") }
    let result = try inspect(fixture)
    guard opening != nil else {
      // What is damaged lies further in, or is told by a notice.
      #expect(result.status == 0 || result.status == 65, "\(result.errors)")
      return
    }
    let name = URL(fileURLWithPath: try fixture.image()).lastPathComponent
    #expect([64, 65, 66, 69, 77].contains(result.status) && result.output.isEmpty)
    #expect(result.errors.split(separator: "\n").count == 1, "\(result.errors)")
    #expect(result.errors.hasPrefix("vitrine: \(name): "), "\(result.errors)")
    #expect(!result.errors.unicodeScalars.contains { $0 != "\n" && $0.properties.generalCategory == .control })
  }
}
