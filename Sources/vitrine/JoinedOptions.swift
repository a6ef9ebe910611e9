/// Options of one letter that are written together with one that takes a value: "-hd1", "-cvf archive". The parser of
/// the command line takes a value behind a letter only where that letter is the word's first. And those that may be
/// given without their value, which it does not know.
enum JoinedOptions {
  /// Letters that take a value. What follows a path of `find` is an expression, and what follows the image of `run` is
  /// somebody else's.
  static let lettersWithValue: [String: Set<Character>] = [
    "ls": ["o", "I", "w"], "tree": ["o", "L", "P", "I"], "stat": ["o", "c"], "cat": ["o"], "extents": ["o"],
    "df": ["o", "B", "t", "x"], "du": ["o", "d", "B", "t"], "cp": ["o", "t"], "tar": ["o", "f", "C"], "manifest": ["o"],
    "diff": ["o"],
  ]

  /// What an option means that stands alone, as with GNU; unless one of `values` follows it.
  private static let lonelyOptions: [String: [(option: String, value: String, values: [String])]] = {
    let color = ("--color", ColorChoice.always.rawValue, ColorChoice.allCases.map(\.rawValue))
    return [
      "ls": [color], "tree": [color], "inspect": [color], "df": [("--output", DfColumn.list, [])],
    ]
  }()

  /// The words with such ones taken apart: "-hd1" is "-h", "-d1"; and lonely ones with their value.
  static func split(_ words: [String]) -> [String] {
    guard let command = words.first else { return words }
    let letters = lettersWithValue[command] ?? []
    let lonely = lonelyOptions[command] ?? []
    var result: [String] = []
    var isValue = false
    var rest = words[...]
    while let word = rest.popFirst() {
      if word == "--" { return result + [word] + rest }
      if !isValue, let found = lonely.first(where: { $0.option == word }),
        !rest.prefix(1).contains(where: found.values.contains)
      {
        result.append("\(word)=\(found.value)")
        continue
      }
      guard !isValue, word.first == "-", word.dropFirst().first != "-",
        let place = word.dropFirst().firstIndex(where: letters.contains)
      else {
        isValue = false
        result.append(word)
        continue
      }
      let before = word[..<place]
      if before.count > 1 { result.append(String(before)) }
      result.append("-" + word[place...])
      isValue = word.index(after: place) == word.endIndex
    }
    return result
  }
}
