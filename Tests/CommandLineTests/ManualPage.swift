import Foundation
import TestSupport

/// What a manual page says, as far as tests compare it with the program.
struct ManualPage {
  let lines: [String]

  init(_ name: String, section: Int = 1) throws {
    let url = Fixture.package.appendingPathComponent("man/\(name).\(section)")
    lines = try String(contentsOf: url, encoding: .utf8).split(separator: "\n").map(String.init)
  }

  /// The lines of a section or subsection, without its heading.
  func section(_ title: String) -> [String] {
    guard let start = lines.firstIndex(where: { $0 == ".Sh \(title)" || $0 == ".Ss \(title)" }) else { return [] }
    return lines[(start + 1)...].prefix { !$0.hasPrefix(".Sh ") && !$0.hasPrefix(".Ss ") }.map { $0 }
  }

  /// The spellings of each option that has a paragraph of its own: `.It Fl p Ar selector , Fl Fl partition Ar selector`.
  var options: [Set<String>] {
    lines.filter { $0.hasPrefix(".It Fl ") }.map { Self.flags(in: $0) }
  }

  /// The spellings in the synopsis, where several flags can stand together: `.Op Fl frv`.
  var synopsis: Set<String> {
    var found: Set<String> = []
    for line in section("SYNOPSIS") {
      for flag in Self.flags(in: line) {
        if flag.hasPrefix("--") {
          found.insert(flag)
        } else {
          found.formUnion(flag.dropFirst().map { "-\($0)" })
        }
      }
    }
    return found
  }

  /// Exit statuses that have a paragraph.
  var exitStatuses: [Int] {
    section("EXIT STATUS").filter { $0.hasPrefix(".It ") }.compactMap { Int($0.dropFirst(4)) }
  }

  /// Names of mount options that have a paragraph: `.It Cm uid= Ns Ar number , Cm gid= Ns Ar number`.
  var mountOptions: [String] {
    section("Mount options").filter { $0.hasPrefix(".It Cm ") }.flatMap { line in
      line.split(separator: " ").dropFirst().filter { !["Cm", "Ns", "Ar", ",", "No"].contains($0) }
        .filter { $0.allSatisfy { $0.isLetter || $0 == "_" || $0 == "=" } }
        .map(String.init)
    }
    .filter { !Self.valueNames.contains($0) }
  }

  private static let valueNames: Set<String> = [
    "where", "name", "bytes", "file", "format", "selector", "how", "seconds", "number", "mask", "view",
  ]

  private static func flags(in line: String) -> Set<String> {
    var found: Set<String> = []
    let words = line.split(separator: " ").map(String.init)
    var index = 0
    while index < words.count {
      if words[index] == "Fl", index + 1 < words.count {
        let isLong = words[index + 1] == "Fl"
        let name = index + (isLong ? 2 : 1)
        if name < words.count { found.insert((isLong ? "--" : "-") + words[name]) }
        index = name
      }
      index += 1
    }
    return found
  }
}
