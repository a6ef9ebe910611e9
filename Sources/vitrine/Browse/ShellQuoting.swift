internal import Bytes

/// Names as ls(1) quotes them on a terminal: such that a shell would take them, and a terminal obeys nothing in them.
struct ShellQuoting {
  /// Whether the terminal shows UTF-8; where it does not, whatever is beyond ASCII is escaped.
  var isUTF8 = HostEnvironment.isUTF8
  /// Whether a colon makes a name be quoted, as in headings that end in one.
  var quotesColons = false
  /// Whether every name is quoted.
  var isAlways = false

  struct Quoted {
    let text: [UInt8]
    /// Columns on a terminal.
    let width: Int
    let isQuoted: Bool
  }

  func quote(_ name: some Collection<UInt8>) -> Quoted {
    let units = Unit.split(Array(name), isUTF8: isUTF8)
    guard isAlways || name.isEmpty || needsQuotes(units) else {
      return Quoted(text: Array(name), width: units.reduce(0) { $0 + $1.width }, isQuoted: false)
    }
    let text = isDoubleQuotable(units) ? doubleQuoted(units) : singleQuoted(units)
    let escapes = units.filter { !$0.isPrintable }.reduce(0) { $0 + $1.bytes.count }
    // What is escaped is ASCII in the text; the rest is as wide as it was.
    let width =
      escapes == 0
      ? text.count - units.reduce(0) { $0 + $1.bytes.count - $1.width }
      : text.count - units.filter(\.isPrintable).reduce(0) { $0 + $1.bytes.count - $1.width }
    return Quoted(text: text, width: width, isQuoted: true)
  }

  /// With a question mark in place of each character that a terminal might obey.
  func masked(_ name: [UInt8]) -> [UInt8] {
    Unit.split(name, isUTF8: isUTF8).flatMap { $0.isPrintable ? Array($0.bytes) : [UInt8(ascii: "?")] }
  }

  /// The same, with its width.
  func unquoted(_ name: some Collection<UInt8>) -> Quoted {
    let units = Unit.split(Array(name), isUTF8: isUTF8)
    return Quoted(text: masked(Array(name)), width: units.reduce(0) { $0 + $1.width }, isQuoted: false)
  }

  /// A character, or a byte that is part of none.
  private struct Unit {
    let bytes: ArraySlice<UInt8>
    let isPrintable: Bool
    let width: Int

    var ascii: UInt8? { bytes.count == 1 && isPrintable ? bytes.first : nil }

    static func split(_ bytes: [UInt8], isUTF8: Bool) -> [Unit] {
      var units: [Unit] = []
      units.reserveCapacity(bytes.count)
      var rest = bytes[...]
      while let first = rest.first {
        if first < 0x80 {
          let isPrintable = first >= 0x20 && first < 0x7F
          units.append(Unit(bytes: rest.prefix(1), isPrintable: isPrintable, width: 1))
          rest = rest.dropFirst()
          continue
        }
        let length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2
        if isUTF8, first >= 0xC2, rest.count >= length,
          let text = String(validating: rest.prefix(length), as: UTF8.self), let scalar = text.unicodeScalars.first
        {
          units.append(
            Unit(bytes: rest.prefix(length), isPrintable: isShown(scalar), width: InspectFormat.columns(of: text)))
          rest = rest.dropFirst(length)
        } else {
          units.append(Unit(bytes: rest.prefix(1), isPrintable: false, width: 1))
          rest = rest.dropFirst()
        }
      }
      return units
    }

    private static func isShown(_ scalar: Unicode.Scalar) -> Bool {
      switch scalar.value {
      // These turn the order of what follows on the line.
      case 0x202A...0x202E, 0x2066...0x2069: return false
      default: break
      }
      switch scalar.properties.generalCategory {
      case .control, .surrogate, .unassigned, .lineSeparator, .paragraphSeparator: return false
      default: return true
      }
    }
  }

  private func needsQuotes(_ units: [Unit]) -> Bool {
    for (index, unit) in units.enumerated() {
      guard unit.isPrintable else { return true }
      guard let byte = unit.ascii else { continue }
      switch byte {
      case UInt8(ascii: "{"), UInt8(ascii: "}"):
        if units.count == 1 { return true }
      case UInt8(ascii: "#"), UInt8(ascii: "~"):
        if index == 0 { return true }
      case UInt8(ascii: ":"):
        if quotesColons { return true }
      default:
        if Self.special.contains(byte) { return true }
      }
    }
    return false
  }

  private static let special = Set(" !\"$&()*;<=>[^`|'?\\".utf8)

  /// Whether double quotes do: there are single ones, and nothing that means something between double ones.
  private func isDoubleQuotable(_ units: [Unit]) -> Bool {
    guard units.contains(where: { $0.ascii == UInt8(ascii: "'") }) else { return false }
    for (index, unit) in units.enumerated() {
      guard unit.isPrintable else { return false }
      guard let byte = unit.ascii else { continue }
      switch byte {
      case UInt8(ascii: "'"), UInt8(ascii: " "), UInt8(ascii: "%"), UInt8(ascii: "]"), UInt8(ascii: "_"),
        UInt8(ascii: "@"), UInt8(ascii: "+")...UInt8(ascii: ":"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "a")...UInt8(ascii: "z"):
        continue
      case UInt8(ascii: "#"), UInt8(ascii: "~"):
        if index == 0 { continue }
        return false
      default: return false
      }
    }
    return true
  }

  private func doubleQuoted(_ units: [Unit]) -> [UInt8] {
    [UInt8(ascii: "\"")] + units.flatMap { Array($0.bytes) } + [UInt8(ascii: "\"")]
  }

  private func singleQuoted(_ units: [Unit]) -> [UInt8] {
    var text = Array("'".utf8)
    var isEscaping = false
    for unit in units {
      if !unit.isPrintable {
        if !isEscaping { text += Array("'$'".utf8) }
        isEscaping = true
        for byte in unit.bytes { text += Self.escape(byte) }
      } else if unit.ascii == UInt8(ascii: "'") {
        // Ends either kind of quotes, and begins again with the plain one.
        text += Array("'\\''".utf8)
        isEscaping = false
      } else {
        if isEscaping { text += Array("''".utf8) }
        isEscaping = false
        text += unit.bytes
      }
    }
    text.append(UInt8(ascii: "'"))
    return text
  }

  private static func escape(_ byte: UInt8) -> [UInt8] {
    switch byte {
    case 7: return Array("\\a".utf8)
    case 8: return Array("\\b".utf8)
    case 9: return Array("\\t".utf8)
    case 10: return Array("\\n".utf8)
    case 11: return Array("\\v".utf8)
    case 12: return Array("\\f".utf8)
    case 13: return Array("\\r".utf8)
    default:
      let digits = [byte >> 6, byte >> 3 & 7, byte & 7].map { $0 + UInt8(ascii: "0") }
      return [UInt8(ascii: "\\")] + digits
    }
  }
}
