internal import Browsing
internal import Bytes
internal import FileSystems

/// A file as a format tells of it.
struct StatSubject {
  let path: [UInt8]
  let facts: NodeFacts
  let target: [UInt8]?
  /// Bytes.
  let blockSize: UInt64
}

/// A format of stat(1): text with `%` sequences.
struct StatFormat {
  private enum Part {
    case text([UInt8])
    /// A letter, and H or L in front of it.
    case value(FormatSpec, UInt8, half: UInt8?)
  }

  private var parts: [Part] = []

  /// - Parameter hasEscapes: whether a backslash means something.
  init(_ format: [UInt8], hasEscapes: Bool) {
    var rest = format[...]
    var text: [UInt8] = []
    while let byte = rest.first {
      rest = rest.dropFirst()
      if hasEscapes && byte == UInt8(ascii: "\\") {
        text.append(FormatEscape.byte(parsing: &rest) ?? byte)
      } else if byte == UInt8(ascii: "%") {
        let spec = FormatSpec(parsing: &rest)
        var half: UInt8?
        if let first = rest.first, first == UInt8(ascii: "H") || first == UInt8(ascii: "L"), rest.count > 1 {
          half = first
          rest = rest.dropFirst()
        }
        guard let letter = rest.popFirst(), letter != UInt8(ascii: "%") else {
          text.append(byte)
          continue
        }
        parts.append(.text(text))
        text = []
        parts.append(.value(spec, letter, half: half))
      } else {
        text.append(byte)
      }
    }
    parts.append(.text(text))
  }

  /// What `-t` prints.
  static let terse = ImagePath(argument: "%n %s %b %f %u %g %D %i %h %t %T %X %Y %Z %W %o")

  /// What is printed where no format is given.
  static func standard(isDevice: Bool) -> StatFormat {
    let lines = [
      "  File: %J", "  Size: %-10s\tBlocks: %-10b IO Block: %-6o %F",
      "Device: %Hd,%Ld\tInode: %-10i  Links: " + (isDevice ? "%-5h Device type: %Hr,%Lr" : "%h"),
      "Access: (%04a/%10.10A)  Uid: (%5u/%8U)   Gid: (%5g/%8G)", "Access: %x", "Modify: %y", "Change: %z", " Birth: %w",
      "",
    ]
    return StatFormat(Array(lines.joined(separator: "\n").utf8), hasEscapes: false)
  }

  func text(_ subject: StatSubject) -> [UInt8] {
    var text: [UInt8] = []
    for part in parts {
      switch part {
      case .text(let bytes): text += bytes
      case .value(let spec, let letter, let half): text += value(letter, half, spec, subject)
      }
    }
    return text
  }

  private func value(_ letter: UInt8, _ half: UInt8?, _ spec: FormatSpec, _ subject: StatSubject) -> [UInt8] {
    let attributes = subject.facts.attributes
    let device = attributes.deviceNumber
    let isMajor = half == UInt8(ascii: "H")
    switch Character(Unicode.Scalar(letter)) {
    case "a": return spec.text(UInt64(attributes.permissions & 0o7777), radix: 8)
    case "A": return spec.text(attributes.modeText)
    case "b": return spec.text(attributes.sectors)
    case "B": return spec.text(512)
    case "C": return spec.text("?")
    // There is no device that the file is on.
    case "d": return spec.text(UInt64(0))
    case "D": return spec.text(UInt64(0), radix: 16)
    case "f": return spec.text(UInt64(attributes.mode), radix: 16)
    case "F": return spec.text(attributes.type.title(size: attributes.size))
    case "g": return spec.text(UInt64(attributes.group))
    case "G": return spec.text("\(attributes.group)")
    case "h": return spec.text(UInt64(attributes.linkCount))
    case "i": return spec.text(subject.facts.statNumber)
    case "J":
      return spec.text(linkText(subject) { name in HostEnvironment.standardOutputIsTerminal ? quoted(name) : name })
    case "m": return spec.text("/")
    case "n": return spec.text(subject.path)
    case "N": return spec.text(linkText(subject) { ShellQuoting(isAlways: true).quote($0).text })
    case "o": return spec.text(subject.blockSize)
    case "r" where half != nil: return spec.text(UInt64((isMajor ? device?.major : device?.minor) ?? 0))
    case "r": return spec.text(device.map(Self.number) ?? 0)
    case "R": return spec.text(device.map(Self.number) ?? 0, radix: 16)
    case "s": return spec.text(attributes.size)
    case "t": return spec.text(UInt64(device?.major ?? 0), radix: 16)
    case "T": return spec.text(UInt64(device?.minor ?? 0), radix: 16)
    case "u": return spec.text(UInt64(attributes.owner))
    case "U": return spec.text("\(attributes.owner)")
    case "w": return spec.text(attributes.created.map(TimeText.full) ?? "-")
    case "W": return seconds(attributes.created ?? Timestamp(seconds: 0), spec)
    case "x": return spec.text(TimeText.full(attributes.accessed))
    case "X": return seconds(attributes.accessed, spec)
    case "y": return spec.text(TimeText.full(attributes.modified))
    case "Y": return seconds(attributes.modified, spec)
    case "z": return spec.text(TimeText.full(attributes.changed))
    case "Z": return seconds(attributes.changed, spec)
    default: return [UInt8(ascii: "?")]
    }
  }

  private func quoted(_ name: [UInt8]) -> [UInt8] { ShellQuoting().quote(name).text }

  private func linkText(_ subject: StatSubject, _ quote: ([UInt8]) -> [UInt8]) -> [UInt8] {
    guard let target = subject.target else { return quote(subject.path) }
    return quote(subject.path) + Array(" -> ".utf8) + quote(target)
  }

  private func seconds(_ time: Timestamp, _ spec: FormatSpec) -> [UInt8] {
    spec.text(seconds: time.seconds, nanoseconds: time.nanoseconds)
  }

  /// As makedev(3) puts the two together.
  private static func number(_ device: DeviceNumber) -> UInt64 {
    let major = UInt64(device.major)
    let minor = UInt64(device.minor)
    return (major & 0xFFF) << 8 | (major & ~0xFFF) << 32 | (minor & 0xFF) | (minor & ~0xFF) << 12
  }
}
