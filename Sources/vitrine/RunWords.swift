/// The words of `vitrine run`: options stand before the image and behind it, and end where the command begins, whose
/// own options are not ours.
enum RunWords {
  /// Options of `run` whose value is a word of its own.
  static let optionsWithValues: Set<String> = [
    "-o", "-p", "--partition", "--format", "--snapshot", "--backing-file", "--device", "--view",
    "--reply",
  ]

  /// The words behind `run`, with a "--" between the image and the command.
  static func arranged(_ words: [String]) -> [String] {
    var result: [String] = []
    var rest = words[...]
    var hasImage = false
    while let word = rest.popFirst() {
      if word == "--" || (hasImage && !isOption(word)) {
        if word != "--" { rest = [word] + rest }
        if !hasImage, let image = rest.popFirst() {
          // Its name may begin as an option does.
          result.append(image.hasPrefix("-") ? "./\(image)" : image)
          if rest.first == "--" { rest.removeFirst() }
        }
        return result + ["--"] + rest
      }
      result.append(word)
      if optionsWithValues.contains(word) {
        if let value = rest.popFirst() { result.append(value) }
      } else if !isOption(word) {
        hasImage = true
      }
    }
    return result
  }

  private static func isOption(_ word: String) -> Bool { word.hasPrefix("-") && word.count > 1 }
}
