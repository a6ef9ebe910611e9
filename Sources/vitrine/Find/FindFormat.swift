internal import Browsing
internal import Bytes
internal import FileSystems
internal import SystemPackage

/// A format of `-printf`: text with escapes and `%` sequences.
struct FindFormat {
  private enum Part {
    case text([UInt8])
    case value(FormatSpec, Character)
    /// A time, and what of it.
    case time(FormatSpec, FindTime, Character)
  }

  private var parts: [Part] = []

  private static let letters = Set("abcdDfFgGhHiklmMnpPsStuUyY")
  private static let timeLetters = "@+aAbBcCdDeFgGhHIjklmMnpPrRsStTuUVwWxXyYzZ"

  /// What is told of a node beside its facts.
  struct Others {
    let target: [UInt8]?
    /// Of what a symbolic link leads to.
    let targetType: Result<NodeType?, ReadError>
    let fileSystem: String
  }

  /// Whether links have to be followed.
  private(set) var needsTargetType = false

  init(_ format: [UInt8]) throws(FindError) {
    var rest = format[...]
    var text: [UInt8] = []
    while let byte = rest.popFirst() {
      if byte == UInt8(ascii: "\\") {
        if rest.first == UInt8(ascii: "c") { break }
        text.append(FormatEscape.byte(parsing: &rest) ?? byte)
        continue
      }
      guard byte == UInt8(ascii: "%") else {
        text.append(byte)
        continue
      }
      let spec = FormatSpec(parsing: &rest)
      guard let next = rest.popFirst() else { throw FindError("-printf: nothing behind the % at the end") }
      let letter = Character(Unicode.Scalar(next))
      parts.append(.text(text))
      text = []
      if let time = Self.time(letter) {
        guard let kind = rest.popFirst() else { throw FindError("-printf: nothing behind %\(letter)") }
        let part = Character(Unicode.Scalar(kind))
        guard Self.timeLetters.contains(part) else {
          throw FindError("-printf: %\(letter)\(Escaped.text([kind])) is not there")
        }
        parts.append(.time(spec, time, part))
      } else if letter == "%" {
        text.append(next)
      } else {
        guard Self.letters.contains(letter) else { throw FindError("-printf: %\(Escaped.text([next])) is not there") }
        if letter == "Y" { needsTargetType = true }
        parts.append(.value(spec, letter))
      }
    }
    parts.append(.text(text))
  }

  private static func time(_ letter: Character) -> FindTime? {
    switch letter {
    case "A": .accessed
    case "B": .created
    case "C": .changed
    case "T": .modified
    default: nil
    }
  }

  func text(_ subject: FindSubject, _ facts: NodeFacts, _ others: Others, isTerminal: Bool) -> [UInt8] {
    var text: [UInt8] = []
    for part in parts {
      switch part {
      case .text(let bytes): text += bytes
      case .value(let spec, let letter):
        text += value(letter, spec, subject, facts, others) { isTerminal ? FindListing.shown($0) : $0 }
      case .time(let spec, let time, let kind): text += Self.time(time.time(of: facts.attributes), kind, spec)
      }
    }
    return text
  }

  private func value(
    _ letter: Character, _ spec: FormatSpec, _ subject: FindSubject, _ facts: NodeFacts, _ others: Others,
    _ shown: ([UInt8]) -> [UInt8]
  ) -> [UInt8] {
    let attributes = facts.attributes
    switch letter {
    case "a": return spec.text(Self.long(attributes.accessed))
    case "c": return spec.text(Self.long(attributes.changed))
    case "t": return spec.text(Self.long(attributes.modified))
    case "b": return spec.text("\(attributes.sectors)")
    case "k": return spec.text("\(HumanSize.units(attributes.allocatedSize, of: 1024))")
    case "d": return spec.text(UInt64(subject.node.depth))
    case "D": return spec.text("0")
    case "F": return spec.text(others.fileSystem)
    case "f": return spec.text(shown(Array(subject.name)))
    case "g", "G": return spec.text("\(attributes.group)")
    case "u", "U": return spec.text("\(attributes.owner)")
    case "h": return spec.text(shown(folder(subject)))
    case "H": return spec.text(shown(subject.start))
    case "i": return spec.text("\(facts.statNumber)")
    case "l": return spec.text(shown(others.target ?? []))
    case "m": return spec.text(UInt64(attributes.permissions & 0o7777), radix: 8)
    case "M": return spec.text(attributes.modeText)
    case "n": return spec.text("\(attributes.linkCount)")
    case "p": return spec.text(shown(subject.path))
    case "P":
      let rest = subject.path.dropFirst(subject.start.count).drop { $0 == UInt8(ascii: "/") }
      return spec.text(shown(Array(rest)))
    case "s": return spec.text("\(attributes.size)")
    case "S":
      let share = Double(attributes.allocatedSize) / Double(attributes.size)
      return spec.text(attributes.size == 0 ? "1" : SixDigits.text(share))
    case "y": return spec.text(Self.typeLetter(attributes.type))
    case "Y": return spec.text(Self.typeLetter(others.targetType))
    default: return []
    }
  }

  /// What is before the last slash; "." where there is none.
  private func folder(_ subject: FindSubject) -> [UInt8] {
    guard let slash = subject.path.lastIndex(of: UInt8(ascii: "/")) else { return [UInt8(ascii: ".")] }
    return Array(subject.path[..<slash])
  }

  private static func typeLetter(_ type: NodeType) -> String {
    type == .regular ? "f" : String(Character(Unicode.Scalar(type.letter)))
  }

  /// "N" for a link to nowhere, "L" for one that leads in circles.
  private static func typeLetter(_ type: Result<NodeType?, ReadError>) -> String {
    switch type {
    case .success(let type): return type.map { typeLetter($0) } ?? "U"
    case .failure(let error) where error.leadsNowhere: return "N"
    case .failure(let error): return error.cause == .io(.tooManySymbolicLinkLevels) ? "L" : "?"
    }
  }

  // MARK: Times

  /// "Mon Nov 23 13:41:00.1234567890 2026": decimals have ten digits there.
  private static func long(_ time: Timestamp) -> String {
    guard let local = LocalTime(time.seconds) else { return "\(time.seconds)" }
    return "\(local.weekdayName) \(local.monthName) \(TimeText.padded(local.day, 2, with: " ")) \(clock(local, time)) "
      + "\(local.year)"
  }

  private static func clock(_ local: LocalTime, _ time: Timestamp) -> String {
    "\(TimeText.clock(local)).\(TimeText.padded(Int(time.nanoseconds), 9))0"
  }

  private static func time(_ time: Timestamp?, _ kind: Character, _ spec: FormatSpec) -> [UInt8] {
    guard let time else { return spec.text("") }
    if kind == "@" { return spec.text("\(time.seconds).\(TimeText.padded(Int(time.nanoseconds), 9))0") }
    if kind == "+" {
      guard let local = LocalTime(time.seconds) else { return spec.text("\(time.seconds)") }
      return spec.text("\(TimeText.date(local))+\(clock(local, time))")
    }
    guard let text = LocalTime.text(kind, of: time.seconds) else { return spec.text("\(time.seconds)") }
    // Wherever seconds stand at the end, find(1) tells their parts.
    return spec.text("STX".contains(kind) ? "\(text).\(TimeText.padded(Int(time.nanoseconds), 9))0" : text)
  }
}

/// Numbers as "%g" of printf(3) prints them: six digits, none of them a zero at the end.
enum SixDigits {
  static func text(_ number: Double) -> String {
    guard number > 0, number.isFinite else { return number == 0 ? "0" : "inf" }
    var exponent = 0
    var digits = number
    while digits >= 10 { (digits, exponent) = (digits / 10, exponent + 1) }
    while digits < 1 { (digits, exponent) = (digits * 10, exponent - 1) }
    var whole = Int((digits * 100_000).rounded())
    if whole >= 1_000_000 { (whole, exponent) = (whole / 10, exponent + 1) }
    var text = "\(whole)"
    if exponent < -4 || exponent >= 6 {
      return point(&text, at: 1) + "e" + (exponent < 0 ? "-" : "+") + TimeText.padded(abs(exponent), 2)
    }
    if exponent < 0 {
      text = String(repeating: "0", count: -exponent) + text
      return point(&text, at: 1)
    }
    return point(&text, at: exponent + 1)
  }

  private static func point(_ digits: inout String, at place: Int) -> String {
    let whole = digits.prefix(place)
    var part = digits.dropFirst(place)
    while part.last == "0" { part.removeLast() }
    return part.isEmpty ? String(whole) : "\(whole).\(part)"
  }
}
