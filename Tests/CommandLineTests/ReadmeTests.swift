import Foundation
import TestSupport
import Testing

/// What the README shows is what is printed.
@Suite struct ReadmeTests {
  private struct Example {
    let command: String
    var output: [String] = []
  }

  /// The commands of a section, each with what is shown of its output.
  private static func examples(in section: String) throws -> [Example] {
    let text = try String(contentsOf: Fixture.package.appendingPathComponent("README.md"), encoding: .utf8)
    let start = try #require(text.range(of: "\n## \(section)\n"))
    let end = text.range(of: "\n## ", range: start.upperBound..<text.endIndex)?.lowerBound ?? text.endIndex
    var examples: [Example] = []
    for line in text[start.upperBound..<end].split(separator: "\n", omittingEmptySubsequences: false) {
      if line.hasPrefix("    $ ") {
        examples.append(Example(command: String(line.dropFirst(6))))
      } else if line.hasPrefix("    ") || line.isEmpty, !examples.isEmpty {
        examples[examples.count - 1].output.append(String(line.dropFirst(4)))
      }
    }
    return examples
  }

  /// Whether lines are those shown, where "…" stands for any number of them. How columns are filled up does not count.
  private static func matches(_ lines: ArraySlice<[Substring]>, _ shown: ArraySlice<[Substring]>) -> Bool {
    guard let first = shown.first else { return lines.isEmpty }
    if first == ["…"] {
      return (lines.startIndex...lines.endIndex).contains { matches(lines[$0...], shown.dropFirst()) }
    }
    return lines.first == first && matches(lines.dropFirst(), shown.dropFirst())
  }

  @Test(.enabled(if: Privileges.isRoot, "owners are kept by root")) func commandsPrintWhatIsShown() throws {
    let scratch = try TemporaryDirectory(prefix: "vitrine-readme")
    try runSuccessfully(["cp", Fixture("demo", "disk").image(), scratch.path + "/disk.img"])
    try runSuccessfully(
      ["sh", "-c", "mkdir bin rescue && ln -s '\(vitrineBinary)' bin/vitrine"], in: scratch.url)
    let examples = try Self.examples(in: "Without mounting it")
    let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
    for example in examples {
      let result = try run(
        ["bash", "-c", example.command.replacingOccurrences(of: "/srv/rescue", with: "rescue")],
        environment: ["PATH": scratch.path + "/bin:" + path, "LC_ALL": "C.UTF-8", "TZ": "UTC"], in: scratch.url)
      func words(_ lines: [some StringProtocol]) -> ArraySlice<[Substring]> {
        lines.map { $0.split(whereSeparator: \.isWhitespace).map { Substring($0) } }[...]
      }
      let lines = result.output.replacingOccurrences(of: "rescue/", with: "/srv/rescue/").split(
        separator: "\n", omittingEmptySubsequences: false
      ).dropLast()
      // An empty line at the end belongs to the page.
      var shown = example.output
      while shown.last?.isEmpty == true { shown.removeLast() }
      #expect(Self.matches(words(Array(lines)), words(shown)), "\(example.command):\n\(result.output)\(result.errors)")
      #expect(result.errors.isEmpty, "\(result)")
    }
    // Each command that needs no mount is shown.
    let all = ["ls", "tree", "stat", "find", "cat", "extents", "df", "du", "cp", "tar", "manifest", "diff"]
    for command in all {
      #expect(examples.contains { $0.command.hasPrefix("vitrine \(command) ") }, "\(command)")
    }
  }
}
