internal import ArgumentParser
internal import Bytes

/// What a command leaves out.
struct ExclusionArgument: ParsableArguments {
  @Option(help: ArgumentHelp("Leave out what this pattern matches.", valueName: "pattern"))
  var exclude: [ImagePath] = []

  var exclusion: Exclusion { Exclusion(exclude.map { NamePattern($0.bytes) }) }
}

/// Patterns of what is left out, as du(1) and tar(1) have them: each matches a whole path, or what is behind one of its
/// slashes, and a wildcard matches slashes, too.
struct Exclusion: Sendable {
  private let patterns: [NamePattern]

  init(_ patterns: [NamePattern] = []) {
    self.patterns = patterns
    if !patterns.isEmpty { NamePattern.useCharactersOfLocale() }
  }

  func covers(_ path: [UInt8]) -> Bool {
    guard !patterns.isEmpty else { return false }
    var rest = path[...]
    while true {
      if patterns.contains(where: { $0.matches(rest) }) { return true }
      guard let slash = rest.firstIndex(of: UInt8(ascii: "/")) else { return false }
      rest = rest[(slash + 1)...]
    }
  }
}
