internal import Bytes
internal import FileSystems

/// What is wrong with an expression.
struct FindError: Error {
  let text: String
  init(_ text: String) { self.text = text }
}

/// Reads the words of an expression as find(1) does: "not" binds closer than "and", "and" closer than "or", "or" closer
/// than a comma.
struct FindParser {
  private var words: ArraySlice<[UInt8]>
  private let now: Timestamp
  private var expression = FindExpression()
  private var countsFromEndOfDay = false
  private var syntax = PathExpression.Syntax.findutilsDefault
  private var depth = 0

  /// Parentheses within parentheses, and words: more than anybody writes.
  private static let deepest = 256

  init(_ words: [[UInt8]], now: Timestamp, following followed: FindFollowing = .none) {
    self.words = words[...]
    expression.followed = followed
    self.now = now
  }

  /// Whether a word begins an expression, and is no path.
  static func isExpression(_ word: [UInt8]) -> Bool {
    if word.first == UInt8(ascii: "-") { return word.count > 1 }
    return word == Array("(".utf8) || word == Array("!".utf8) || word == Array(")".utf8) || word == Array(",".utf8)
  }

  mutating func parse() throws(FindError) -> FindExpression {
    guard !words.isEmpty else { return expression }
    let root = try list()
    guard words.isEmpty else { throw FindError("\")\" without \"(\"") }
    let print = FindNode.action(.print)
    expression.root = root.hasAction ? root : .all([root, print])
    return expression
  }

  // MARK: Operators

  private var next: String? { words.first.map { String(decoding: $0, as: UTF8.self) } }

  private mutating func list() throws(FindError) -> FindNode {
    var parts = [try disjunction()]
    while next == "," {
      words.removeFirst()
      parts.append(try disjunction())
    }
    return parts.count == 1 ? parts[0] : .sequence(parts)
  }

  private mutating func disjunction() throws(FindError) -> FindNode {
    var parts = [try conjunction()]
    while next == "-o" || next == "-or" {
      words.removeFirst()
      parts.append(try conjunction())
    }
    return parts.count == 1 ? parts[0] : .any(parts)
  }

  private mutating func conjunction() throws(FindError) -> FindNode {
    var parts = [try negation()]
    while let word = next, word != ")", word != ",", word != "-o", word != "-or" {
      if word == "-a" || word == "-and" { words.removeFirst() }
      parts.append(try negation())
    }
    return parts.count == 1 ? parts[0] : .all(parts)
  }

  private mutating func negation() throws(FindError) -> FindNode {
    var isNegated = false
    while next == "!" || next == "-not" {
      words.removeFirst()
      isNegated.toggle()
    }
    let part = try primary()
    return isNegated ? .not(part) : part
  }

  private mutating func primary() throws(FindError) -> FindNode {
    guard let word = next else { throw FindError("something is missing at the end of the expression") }
    words.removeFirst()
    switch word {
    case "(":
      depth += 1
      guard depth <= Self.deepest else { throw FindError("more than \(Self.deepest) parentheses in one another") }
      guard next != ")" else { throw FindError("nothing between \"(\" and \")\"") }
      let inner = try list()
      guard next == ")" else { throw FindError("\"(\" without \")\"") }
      words.removeFirst()
      depth -= 1
      return inner
    case ")", ",", "-a", "-and", "-o", "-or": throw FindError("nothing before \"\(word)\"")
    default: return try primary(word)
    }
  }

  // MARK: Tests and actions

  private mutating func primary(_ word: String) throws(FindError) -> FindNode {
    switch word {
    case "-print": return .action(.print)
    case "-print0": return .action(.print(terminator: 0))
    case "-ls": return .action(.list)
    case "-printf": return .action(.format(try FindFormat(try bytes(word))))
    case "-prune": return .action(.prune)
    case "-quit": return .action(.quit)
    case "-maxdepth": expression.maximumDepth = try depth(word)
    case "-mindepth": expression.minimumDepth = try depth(word)
    case "-depth", "-d": expression.isDepthFirst = true
    case "-daystart": countsFromEndOfDay = true
    case "-regextype":
      let name = try text(word)
      guard let syntax = PathExpression.Syntax(rawValue: name) else {
        let names = PathExpression.Syntax.allCases.map(\.rawValue).joined(separator: ", ")
        throw FindError("-regextype takes one of \(names), not \(Escaped.text(name))")
      }
      self.syntax = syntax
    case "-follow": expression.followed = .all
    // Volumes are not mounted in one another, and nothing warns.
    case "-xdev", "-mount", "-noleaf", "-warn", "-nowarn", "-ignore_readdir_race", "-noignore_readdir_race": break
    default: return .test(try test(word))
    }
    return .test(.constant(true))
  }

  private mutating func test(_ word: String) throws(FindError) -> FindTest {
    switch word {
    case "-true": return .constant(true)
    case "-false": return .constant(false)
    case "-name": return .name(try pattern(word))
    case "-iname": return .name(try pattern(word, ignoringCase: true))
    case "-path", "-wholename": return .path(try pattern(word))
    case "-ipath", "-iwholename": return .path(try pattern(word, ignoringCase: true))
    case "-regex": return .expression(try expression(word))
    case "-iregex": return .expression(try expression(word, ignoringCase: true))
    case "-lname": return .linkTarget(try pattern(word))
    case "-ilname": return .linkTarget(try pattern(word, ignoringCase: true))
    case "-type": return .type(try types(word))
    case "-xtype": return .targetType(try types(word))
    case "-fstype": return .fileSystem(try text(word))
    case "-readable": return .readable
    case "-writable": return .writable
    case "-executable": return .executable
    case "-nouser": return .hasNoUser
    case "-nogroup": return .hasNoGroup
    case "-size": return try size(try text(word))
    case "-empty": return .empty
    case "-perm": return .permissions(try FindPermissions(parsing: try text(word)))
    case "-uid": return .owner(try number(word))
    case "-gid": return .group(try number(word))
    case "-user": return .owner(try account(word, HostAccounts.user))
    case "-group": return .group(try account(word, HostAccounts.group))
    case "-links": return .links(try number(word))
    case "-inum": return .inode(try number(word))
    case "-samefile": return .sameFile(try reference(word, .node))
    default: return try timeTest(word)
    }
  }

  private mutating func timeTest(_ word: String) throws(FindError) -> FindTest {
    let times: [Character: FindTime] = ["a": .accessed, "m": .modified, "c": .changed, "B": .created]
    switch word {
    case "-mtime", "-atime", "-ctime", "-mmin", "-amin", "-cmin":
      guard let time = times[word[word.index(after: word.startIndex)]] else { break }
      return .age(time, try age(word, unit: word.hasSuffix("min") ? 60 : 86_400, countsBegun: word.hasSuffix("min")))
    case "-used": return .used(try age(word, unit: 86_400, countsBegun: true))
    case "-newer": return .newer(.modified, try reference(word, .modified))
    case "-anewer": return .newer(.accessed, try reference(word, .modified))
    case "-cnewer": return .newer(.changed, try reference(word, .modified))
    default:
      let letters = Array(word.dropFirst("-newer".count))
      guard word.hasPrefix("-newer"), letters.count == 2, let time = times[letters[0]] else { break }
      if let other = times[letters[1]] { return .newer(time, try reference(word, other)) }
      guard letters[1] == "t" else { break }
      let value = try text(word)
      guard let point = FindDate.parse(value, now: now) else {
        throw FindError(
          "\(word) \(Escaped.text(value)): give a date as 2026-11-23, \"2026-11-23 13:20:00\" (with +01:00 or Z), "
            + "\"3 days ago\" or @seconds")
      }
      return .newerThan(time, point)
    }
    throw Self.unknown(word)
  }

  /// What is not there is said with what to do instead, where there is something.
  private static func unknown(_ word: String) -> FindError {
    let shown = Escaped.text(word)
    switch word {
    case "-exec", "-execdir", "-ok", "-okdir":
      return FindError(
        "\(shown) is not there: files of an image have no path to run anything on; pipe -print0 to xargs -0")
    case "-delete": return FindError("-delete is not there: images are only read")
    case "-fprint", "-fprint0", "-fprintf", "-fls":
      return FindError("\(shown) is not there: send the output to a file")
    case "-L", "-H", "-P":
      return FindError("\(shown) stands before the image: vitrine find \(shown) IMAGE")
    case "-files0-from": return FindError("-files0-from is not there: give the paths behind the image")
    case "-context": return FindError("\(shown) is not there")
    default:
      return FindError(word.hasPrefix("-") ? "unknown test \(shown)" : "paths stand before the expression: \(shown)")
    }
  }

  // MARK: Values

  private mutating func bytes(_ word: String) throws(FindError) -> [UInt8] {
    guard let value = words.popFirst() else { throw FindError("\(word) needs a value") }
    return value
  }

  private mutating func text(_ word: String) throws(FindError) -> String {
    String(decoding: try bytes(word), as: UTF8.self)
  }

  private mutating func pattern(_ word: String, ignoringCase: Bool = false) throws(FindError) -> NamePattern {
    expression.usesPatterns = true
    return NamePattern(try bytes(word), ignoringCase: ignoringCase)
  }

  private mutating func expression(_ word: String, ignoringCase: Bool = false) throws(FindError) -> PathExpression {
    let value = try bytes(word)
    // What a character is, the expression is told as it is compiled.
    NamePattern.useCharactersOfLocale()
    var problem = ""
    guard let expression = PathExpression(value, syntax: syntax, ignoringCase: ignoringCase, problem: &problem) else {
      throw FindError("\(word) \(Escaped.text(value)): \(problem)")
    }
    return expression
  }

  /// A number, or a name that this system has one for, as find(1) has it in a mount.
  private mutating func account(
    _ word: String, _ find: (String) -> UInt32?
  ) throws(FindError) -> FindNumber {
    let value = try text(word)
    if let number = find(value) { return FindNumber(comparison: .equal, number: UInt64(number)) }
    guard value.allSatisfy(\.isNumber), let number = FindNumber(parsing: value[...]) else {
      throw FindError("\(word) \(Escaped.text(value)): this system knows no such name; give the image's number")
    }
    return number
  }

  private mutating func age(_ word: String, unit: Double, countsBegun: Bool) throws(FindError) -> FindAge {
    let value = try text(word)
    let comparison: FindNumber.Comparison = value.first == "+" ? .more : value.first == "-" ? .less : .equal
    let digits = comparison == .equal ? value[...] : value.dropFirst()
    guard digits.allSatisfy({ $0.isASCII && ($0.isNumber || $0 == ".") }), let number = Double(digits) else {
      throw FindError("\(word) takes a number, with + or - in front for more or less, not \(Escaped.text(value))")
    }
    return FindAge(
      comparison: comparison, number: number, unit: unit, countsBegun: countsBegun, fromEndOfDay: countsFromEndOfDay)
  }

  private mutating func reference(_ word: String, _ kind: FindTime) throws(FindError) -> FindReference {
    let reference = FindReference(path: try bytes(word), kind: kind)
    expression.references.insert(reference)
    return reference
  }

  private mutating func depth(_ word: String) throws(FindError) -> Int {
    let value = try text(word)
    guard let depth = Int(value), depth >= 0 else {
      throw FindError("\(word) takes a number of levels, not \(Escaped.text(value))")
    }
    return depth
  }

  private mutating func number(_ word: String) throws(FindError) -> FindNumber {
    let value = try text(word)
    guard let number = FindNumber(parsing: value[...]) else {
      throw FindError("\(word) takes a number, with + or - in front for more or less, not \(Escaped.text(value))")
    }
    return number
  }

  private mutating func types(_ word: String) throws(FindError) -> Set<NodeType> {
    let value = try text(word)
    let letters: [String: NodeType] = [
      "f": .regular, "d": .directory, "l": .symbolicLink, "b": .blockDevice, "c": .characterDevice, "p": .fifo,
      "s": .socket,
    ]
    var types: Set<NodeType> = []
    for letter in value.split(separator: ",", omittingEmptySubsequences: false) {
      guard let type = letters[String(letter)] else {
        throw FindError("\(word) takes f, d, l, b, c, p and s, with commas between, not \(Escaped.text(value))")
      }
      types.insert(type)
    }
    return types
  }

  private func size(_ value: String) throws(FindError) -> FindTest {
    let units: [Character: UInt64] = [
      "c": 1, "w": 2, "b": 512, "k": 1 << 10, "M": 1 << 20, "G": 1 << 30,
    ]
    let unit = value.last.flatMap { units[$0] }
    guard let number = FindNumber(parsing: unit == nil ? value[...] : value.dropLast()) else {
      throw FindError("-size takes a number and c, w, b, k, M or G, not \(Escaped.text(value))")
    }
    return .size(number, unit: unit ?? 512)
  }
}

extension FindNumber {
  init?(parsing text: Substring) {
    let digits: Substring
    switch text.first {
    case "+": (comparison, digits) = (.more, text.dropFirst())
    case "-": (comparison, digits) = (.less, text.dropFirst())
    default: (comparison, digits) = (.equal, text)
    }
    guard let first = digits.first, first.isNumber, let number = UInt64(digits) else { return nil }
    self.number = number
  }
}
