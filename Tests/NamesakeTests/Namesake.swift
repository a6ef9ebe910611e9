import Foundation
import TestSupport
import Testing

/// A command of ours and its namesake, run on the same files: ours on an image, the other one in a mount of it.
struct Namesake {
  let image: String
  /// Where the image is mounted.
  let folder: String
  /// Options of every command of ours.
  var options = ""

  private static let environment = ["LC_ALL": "C", "TZ": "Europe/Berlin", "LS_COLORS": "", "COLUMNS": "100"]

  /// Expects both to print the same: `name words` in the mount, and `vitrine name options image rest` here.
  ///
  /// - Parameters:
  ///   - namesakeOptions: what only the namesake needs (`-n`, since owners are numbers here).
  ///   - edit: a filter for the output of both (`sort`).
  func expectSame(
    _ name: String, _ words: String, _ rest: String = ".", namesakeOptions: String = "", edit: String = "cat",
    _ comment: String = "", sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let wanted = try Self.output(of: "\(name) \(namesakeOptions) \(words) \(rest)", in: folder, edit: edit)
    let found = try Self.output(of: ours(name, words, rest), in: folder, edit: edit)
    #expect(
      wanted == found, "\(name) \(words) \(rest) \(comment)\n\(Self.difference(wanted, found))",
      sourceLocation: sourceLocation)
    // That the comparison is not of nothing.
    #expect(!wanted.isEmpty || edit != "cat", "\(name) \(words) \(rest)", sourceLocation: sourceLocation)
  }

  /// The command line of ours. What follows `name` may have options of find, which stand behind the image.
  func ours(_ name: String, _ words: String, _ rest: String = ".") -> String {
    let binary = "'\(vitrineBinary)'"
    return name == "find"
      ? "\(binary) find \(options) '\(image)' \(rest) \(words)"
      : "\(binary) \(name) \(options) \(words) '\(image)' \(rest)"
  }

  /// What a command line prints, with every byte told apart.
  static func output(of script: String, in folder: String, edit: String = "cat") throws -> String {
    try run(
      ["sh", "-c", "{ \(script); } 2>/dev/null | \(edit) | cat -v"], environment: environment,
      in: URL(fileURLWithPath: folder)
    ).output
  }

  /// The first lines that differ.
  static func difference(_ first: String, _ second: String) -> String {
    let one = first.split(separator: "\n", omittingEmptySubsequences: false)
    let other = second.split(separator: "\n", omittingEmptySubsequences: false)
    for index in 0..<max(one.count, other.count) {
      let left = index < one.count ? one[index] : "(nothing)"
      let right = index < other.count ? other[index] : "(nothing)"
      if left != right { return "line \(index + 1):\n  namesake: \(left)\n  vitrine:  \(right)" }
    }
    return ""
  }
}

/// Images whose files are of many kinds.
enum Images {
  static let names = [
    "extents", "special-files", "names", "symlinks", "acl", "times", "times-128", "xattrs", "inline-data", "hard-links",
    "holes", "unwritten", "indirect-1k",
  ].map { Fixture("ext4", $0) }

  /// Those whose names, types, times and links are the oddest.
  static let odd = ["special-files", "names", "symlinks", "times", "hard-links"].map { Fixture("ext4", $0) }

  /// Runs `body` with the kernel's mount of one.
  static func withKernel(_ fixture: Fixture, _ body: (Namesake) throws -> Void) throws {
    let image = try fixture.image()
    try withKernelMount(of: image, options: fixture.kernelOptions) { try body(Namesake(image: image, folder: $0)) }
  }

  static func withFUSE(_ fixture: Fixture, _ body: (Namesake) throws -> Void) throws {
    let image = try fixture.image()
    try withVitrineMount(of: image) { try body(Namesake(image: image, folder: $0)) }
  }
}
