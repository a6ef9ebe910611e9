internal import Browsing
internal import Bytes
internal import FileSystems

/// A format of `-printf`: text with escapes and `%` sequences.
struct FindFormat {
  private enum Part {
    case text([UInt8])
    case value(FormatSpec, Character)
    /// A time, and what of it.
    case time(FormatSpec, FindTime, Character)
  }

  private var parts: [Part] = []

  private static let letters = Set("abcdDfgGhHiklmMnpPsStuUy")

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
        guard "@+TYymdHIMSFDba".contains(part) else {
          throw FindError("-printf: %\(letter)\(Escaped.text([kind])) is not there")
        }
        parts.append(.time(spec, time, part))
      } else if letter == "%" {
        text.append(next)
      } else {
        guard Self.letters.contains(letter) else { throw FindError("-printf: %\(Escaped.text([next])) is not there") }
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

  func text(_ subject: FindSubject, _ facts: NodeFacts, target: [UInt8]?, isTerminal: Bool) -> [UInt8] {
    var text: [UInt8] = []
    for part in parts {
      switch part {
      case .text(let bytes): text += bytes
      case .value(let spec, let letter):
        text += value(letter, spec, subject, facts, target) { isTerminal ? FindListing.shown($0) : $0 }
      case .time(let spec, let time, let kind): text += Self.time(time.time(of: facts.attributes), kind, spec)
      }
    }
    return text
  }

  private func value(
    _ letter: Character, _ spec: FormatSpec, _ subject: FindSubject, _ facts: NodeFacts, _ target: [UInt8]?,
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
    case "f": return spec.text(shown(Array(subject.name)))
    case "g", "G": return spec.text("\(attributes.group)")
    case "u", "U": return spec.text("\(attributes.owner)")
    case "h": return spec.text(shown(folder(subject)))
    case "H": return spec.text(shown(subject.start))
    case "i": return spec.text("\(facts.statNumber)")
    case "l": return spec.text(shown(target ?? []))
    case "m": return spec.text(UInt64(attributes.permissions & 0o7777), radix: 8)
    case "M": return spec.text(attributes.modeText)
    case "n": return spec.text("\(attributes.linkCount)")
    case "p": return spec.text(shown(subject.path))
    case "P":
      let rest = subject.path.dropFirst(subject.start.count).drop { $0 == UInt8(ascii: "/") }
      return spec.text(shown(Array(rest)))
    case "s": return spec.text("\(attributes.size)")
    case "S":
      let share = attributes.size == 0 ? 1 : Double(attributes.allocatedSize) / Double(attributes.size)
      return spec.text("\(share)")
    case "y": return spec.text(Self.typeLetter(attributes.type))
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
    guard let local = LocalTime(time.seconds) else { return spec.text("\(time.seconds)") }
    let text: String
    switch kind {
    case "+": text = "\(TimeText.date(local))+\(clock(local, time))"
    case "T": text = clock(local, time)
    case "F": text = TimeText.date(local)
    case "D":
      text =
        "\(TimeText.padded(local.month, 2))/\(TimeText.padded(local.day, 2))/\(TimeText.padded(local.year % 100, 2))"
    case "Y": text = "\(local.year)"
    case "y": text = TimeText.padded(local.year % 100, 2)
    case "m": text = TimeText.padded(local.month, 2)
    case "d": text = TimeText.padded(local.day, 2)
    case "H": text = TimeText.padded(local.hour, 2)
    case "I": text = TimeText.padded((local.hour + 11) % 12 + 1, 2)
    case "M": text = TimeText.padded(local.minute, 2)
    case "S": text = "\(TimeText.padded(local.second, 2)).\(TimeText.padded(Int(time.nanoseconds), 9))0"
    case "b": text = local.monthName
    case "a": text = local.weekdayName
    default: text = ""
    }
    return spec.text(text)
  }
}
