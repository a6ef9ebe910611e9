internal import Bytes

extension FindPermissions {
  /// Octal digits, or as chmod(1) takes them: "u+rw,g=r". With "-" in front all of these bits, with "/" any of them.
  init(parsing text: String) throws(FindError) {
    var mode = text[...]
    switch text.first {
    case "-": comparison = .allOf
    case "/": comparison = .anyOf
    default: comparison = .exactly
    }
    if comparison != .exactly { mode = mode.dropFirst() }
    let problem = FindError("-perm takes a mode such as 644, -u+x or /222, not \(Escaped.text(text))")
    if let first = mode.first, first.isNumber {
      guard let bits = UInt16(mode, radix: 8), bits <= 0o7777 else { throw problem }
      self.bits = bits
    } else {
      guard let bits = Self.symbolic(mode) else { throw problem }
      self.bits = bits
    }
  }

  /// What chmod(1) would make of no permissions at all; nil where it is no mode.
  private static func symbolic(_ text: Substring) -> UInt16? {
    var mode: UInt16 = 0
    guard !text.isEmpty else { return nil }
    for clause in text.split(separator: ",", omittingEmptySubsequences: false) {
      var rest = clause
      var who: UInt16 = 0
      let classes: [Character: UInt16] = ["u": 0o4700, "g": 0o2070, "o": 0o1007, "a": 0o7777]
      while let letter = rest.first, let bits = classes[letter] {
        who |= bits
        rest = rest.dropFirst()
      }
      if who == 0 { who = 0o7777 }
      guard !rest.isEmpty else { return nil }
      while let sign = rest.first, sign == "+" || sign == "-" || sign == "=" {
        rest = rest.dropFirst()
        var bits: UInt16 = 0
        let permissions: [Character: UInt16] = ["r": 0o444, "w": 0o222, "x": 0o111, "s": 0o6000, "t": 0o1000]
        while let letter = rest.first {
          if let more = permissions[letter] {
            bits |= more
          } else if letter == "X" {
            // Of a file that nobody can execute, this is nothing.
            bits |= mode & 0o111 != 0 ? 0o111 : 0
          } else if "ugo".contains(letter), let shift = ["u": 6, "g": 3, "o": 0][letter] {
            let copied = mode >> UInt16(shift) & 7
            bits |= copied << 6 | copied << 3 | copied
          } else {
            break
          }
          rest = rest.dropFirst()
        }
        // The sticky bit belongs to nobody's class where "t" is written.
        let own = bits & (who | 0o1000)
        switch sign {
        case "+": mode |= own
        case "-": mode &= ~own
        default: mode = mode & ~who | own
        }
      }
      guard rest.isEmpty else { return nil }
    }
    return mode
  }
}
