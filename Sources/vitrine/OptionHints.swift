/// What to do in place of options that a command's namesake has and it has not, or has for something else.
enum OptionHints {
  /// What to say of a command line that was not understood for the reason that `message` gives: the hint for the option
  /// that it names. Where an argument is missing, an option may have taken it that takes none elsewhere.
  static func message(_ message: String, for words: [String]) -> String {
    guard let command = words.first, let hints = hints[command] else { return message }
    let isArgumentMissing = message.hasPrefix("Missing expected argument")
    for name in options(of: JoinedOptions.split(words).dropFirst(), command) {
      guard let hint = hints.first(where: { $0.names.contains(name) }) else { continue }
      if isArgumentMissing { return "\(message); \(name) \(hint.text)" }
      if message.contains("'\(name)'") || message.contains("'\(name) ") { return "\(name) \(hint.text)" }
    }
    return message
  }

  /// The options among words, each for itself.
  private static func options(of words: some Sequence<String>, _ command: String) -> [String] {
    let withValue = JoinedOptions.lettersWithValue[command] ?? []
    return words.prefix { $0 != "--" }.filter { $0.hasPrefix("-") }.flatMap { word in
      if word.hasPrefix("--") { return [String(word.prefix { $0 != "=" })] }
      let letters = word.dropFirst()
      // What is behind one that takes a value is that.
      let end = letters.firstIndex(where: withValue.contains).map { letters.index(after: $0) } ?? letters.endIndex
      return letters[..<end].map { "-\($0)" }
    }
  }

  private typealias Hint = (names: Set<String>, text: String)

  private static let hints: [String: [Hint]] = [
    "ls": [
      (["-o"], "takes options of a mount here; -lG lists without groups"),
      (["--block-size"], "is not there; -h, --si and -s tell sizes in units"),
      (["-Z", "--context"], "is not there; vitrine tar keeps all attributes, security labels too"),
    ],
    "tree": [
      (["-J"], "is --json here"), (["-C"], "is --color=always here"), (["-o"], "takes options of a mount here"),
    ],
    "stat": [(["--format"], "says how the image is read here; formats of stat(1) stand behind -c")],
    "cat": [(["-n", "-A", "-b", "-s", "-v", "-E", "-T"], "is not there; pipe the output to cat(1)")],
    "du": [(["-D", "-H", "-L"], "is not there; name what links lead to, with a slash behind it")],
    "cp": [
      (["-i"], "is not there; -n leaves alone what is there, and -u what is no older"),
      (["-l", "-s"], "is not there: a file on the host cannot be a link into an image"),
      (["--sparse"], "is not there: holes stay holes"),
      (["--reflink"], "is not there: blocks are shared with the image where the host's filesystem can"),
      (["--preserve"], "takes no value here, and keeps all that can be kept"),
      (["--update"], "takes no value here"),
    ],
    "tar": [
      (["-x", "--extract", "--get"], "is not there: archives are only made; tar(1) unpacks them"),
      (["-t", "--list"], "is not there; vitrine ls -R lists what is in an image"),
      (["-z", "--gzip"], "is not there; pipe the archive: vitrine tar IMAGE | gzip > FILE"),
      (["-j", "--bzip2"], "is not there; pipe the archive: vitrine tar IMAGE | bzip2 > FILE"),
      (["-J", "--xz"], "is not there; pipe the archive: vitrine tar IMAGE | xz > FILE"),
      (["--zstd"], "is not there; pipe the archive: vitrine tar IMAGE | zstd > FILE"),
      (["-a", "--auto-compress"], "is not there; pipe the archive to what compresses it"),
      (["--transform", "--xform"], "is not there; -C and --strip-components change names, and tar(1) as it unpacks"),
      (
        ["-p", "-S", "--sparse", "--xattrs", "--acls", "--selinux", "--numeric-owner", "--xattrs-include"],
        "is not there: attributes, access lists, numbers of owners and holes are always kept"
      ),
    ],
  ]
}
