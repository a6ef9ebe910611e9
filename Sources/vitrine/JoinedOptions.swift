/// Options of one letter that are written together with one that takes a value: "-hd1", "-cvf archive". The parser of
/// the command line takes a value behind a letter only where that letter is the word's first.
enum JoinedOptions {
  /// Letters that take a value. What follows a path of `find` is an expression, and what follows the image of `run` is
  /// somebody else's.
  static let lettersWithValue: [String: Set<Character>] = [
    "ls": ["o", "I", "w"], "tree": ["o", "L", "P", "I"], "stat": ["o", "c"], "cat": ["o"], "extents": ["o"],
    "df": ["o", "B", "t", "x"], "du": ["o", "d", "B", "t"], "cp": ["o", "t"], "tar": ["o", "f", "C"], "manifest": ["o"],
    "diff": ["o"],
  ]

  /// The words with such ones taken apart: "-hd1" is "-h", "-d1".
  static func split(_ words: [String]) -> [String] {
    guard let command = words.first, let letters = lettersWithValue[command] else { return words }
    var result: [String] = []
    var isValue = false
    var rest = words[...]
    while let word = rest.popFirst() {
      if word == "--" { return result + [word] + rest }
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
