internal import ArgumentParser
internal import SystemPackage

/// A first word that is no command, but nearly one. Since mounting needs no command, it would else be taken for an
/// image, and the message be about something that nobody meant.
enum MistypedCommand {
  /// What is to be said of `word`; nil where it is a command, an option, a file, or nothing like a command.
  static func message(for word: String) -> String? {
    let names = Vitrine.configuration.subcommands.flatMap { [$0._commandName] + $0.configuration.aliases } + ["help"]
    guard !names.contains(word), !word.hasPrefix("-"), !word.contains("/"), !word.contains(".") else { return nil }
    guard !exists(word) else { return nil }
    let nearest = names.map { (name: $0, distance: distance($0, word)) }.min { $0.distance < $1.distance }
    guard let nearest, nearest.distance <= 2 else { return nil }
    return "\"\(word)\" is neither a command nor an image; did you mean \"vitrine \(nearest.name)\"?"
  }

  private static func exists(_ path: String) -> Bool {
    do {
      try FileDescriptor.open(FilePath(path), .readOnly, options: [.closeOnExec, .nonBlocking]).close()
      return true
    } catch { return error as? Errno != .noSuchFileOrDirectory }
  }

  /// Letters to add, drop or change to make one word of the other (Levenshtein).
  private static func distance(_ first: String, _ second: String) -> Int {
    let other = Array(second)
    var row = Array(0...other.count)
    for (index, letter) in first.enumerated() {
      var diagonal = row[0]
      row[0] = index + 1
      for place in other.indices {
        let changed = diagonal + (letter == other[place] ? 0 : 1)
        diagonal = row[place + 1]
        row[place + 1] = min(changed, diagonal + 1, row[place] + 1)
      }
    }
    return row[other.count]
  }
}
