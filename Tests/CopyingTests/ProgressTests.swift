import Foundation
import TestSupport
import Testing

/// The line that says how far a copy is.
@Suite(.serialized, .enabled(if: Privileges.hasKernelDriver, "needs root and loop devices"))
struct ProgressTests {
  private let disk: EndlessDisk

  init() throws { disk = try EndlessDisk() }

  /// What a copy that is interrupted after a while prints on a terminal of 70 columns.
  private func shown(_ options: String, _ redirection: String = "") throws -> String {
    let copy = "'\(vitrineBinary)' cp \(options) --view disk '\(disk.device):/disk.raw' '\(disk.target)' \(redirection)"
    let script = disk.folder.path + "/script"
    try "stty cols 70; timeout --foreground --preserve-status -s INT 1.5 \(copy); echo status:$?\n".write(
      toFile: script, atomically: true, encoding: .utf8)
    return try run(["script", "-qec", "sh \(script)", "/dev/null"], timeout: 60).output
  }

  @Test func aTerminalIsToldRateAndTimeLeft() throws {
    let lines = try shown("").split(separator: "\r").map(String.init)
    let line = /\ {2}0% \[>? *\] {2}([0-9.]+[KMG]?) of 4\.0T {2}([0-9.]+[KMG])\/s {2}([0-9:]+) left\x1B\[K/
    let shown = lines.compactMap { $0.wholeMatch(of: line) }
    // About five a second, from the first third of one on, though the disk is one single extent.
    #expect((2...12).contains(shown.count), "\(lines)")
    for match in shown { #expect(match.0.count <= 70 + 2, "\(match.0)") }
    #expect(Set(shown.map { String($0.output.1) }).count > 1, "does not advance: \(lines)")
    // It is taken away before anything else is printed, and nothing of the copy is left.
    #expect(lines.suffix(3).contains { $0.hasPrefix("\u{1B}[K") && $0.contains("status:130") }, "\(lines)")
    #expect(try disk.left == "")
  }

  @Test func nobodyElseIsToldAnything() throws {
    #expect(try shown("--quiet").trimmingCharacters(in: .whitespacesAndNewlines) == "status:130")
    #expect(try shown("-q").trimmingCharacters(in: .whitespacesAndNewlines) == "status:130")
    // Standard error is no terminal.
    let redirected = try shown("", "2>'\(disk.folder.path)/errors'")
    #expect(redirected.trimmingCharacters(in: .whitespacesAndNewlines) == "status:130")
    #expect(try String(contentsOfFile: disk.folder.path + "/errors", encoding: .utf8) == "")
  }
}

/// A disk of which no copy is ever finished: all of it reads as zeros, and nobody says so.
final class EndlessDisk {
  let folder: TemporaryDirectory
  let device: String
  var target: String { folder.path + "/target" }

  init() throws {
    folder = try TemporaryDirectory(prefix: "vitrine-endless")
    let image = folder.path + "/endless.img"
    try runSuccessfully(["truncate", "-s", "4T", image])
    try FileManager.default.createDirectory(atPath: folder.path + "/target", withIntermediateDirectories: false)
    device = try runSuccessfully(["losetup", "-f", "--show", "--read-only", image]).output
      .trimmingCharacters(in: .newlines)
  }

  deinit { _ = try? run(["losetup", "-d", device]) }

  /// What is in the target.
  var left: String { get throws { try runSuccessfully(["ls", "-A", target]).output } }
}
