internal import Browsing
internal import FileSystems

/// Lines of `find -ls`.
enum FindListing {
  /// Widths that grow with what is printed.
  struct Widths {
    var inode = 9
    var blocks = 6
    var links = 3
    var owner = 8
    var group = 8
    var size = 8
  }

  static func line(
    _ path: [UInt8], _ facts: NodeFacts, target: [UInt8]?, now: Timestamp, _ widths: inout Widths
  ) -> [UInt8] {
    let attributes = facts.attributes
    var text = right("\(facts.statNumber)", &widths.inode) + " "
    text += right("\(HumanSize.units(attributes.allocatedSize, of: 1024))", &widths.blocks) + " "
    text += attributes.modeText + " " + right("\(attributes.linkCount)", &widths.links) + " "
    text += left("\(attributes.owner)", &widths.owner) + " " + left("\(attributes.group)", &widths.group) + " "
    if let device = attributes.deviceNumber {
      var width = 3
      text += right("\(device.major)", &width) + ", "
      width = 3
      text += right("\(device.minor)", &width)
    } else {
      text += right("\(attributes.size)", &widths.size)
    }
    text += " " + TimeText.short(attributes.modified, now: now) + " "
    var line = Array(text.utf8) + escaped(path)
    if let target { line += Array(" -> ".utf8) + escaped(target) }
    return line + [UInt8(ascii: "\n")]
  }

  private static func right(_ text: String, _ width: inout Int) -> String {
    width = max(width, text.utf8.count)
    return String(repeating: " ", count: width - text.utf8.count) + text
  }

  private static func left(_ text: String, _ width: inout Int) -> String {
    width = max(width, text.utf8.count)
    return text + String(repeating: " ", count: width - text.utf8.count)
  }

  /// With everything but plain letters behind a backslash.
  private static func escaped(_ name: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    for byte in name {
      switch byte {
      case UInt8(ascii: "\\"), UInt8(ascii: " "), UInt8(ascii: "\""): result += [UInt8(ascii: "\\"), byte]
      case 8: result += Array("\\b".utf8)
      case 9: result += Array("\\t".utf8)
      case 10: result += Array("\\n".utf8)
      case 12: result += Array("\\f".utf8)
      case 13: result += Array("\\r".utf8)
      case 0x21..<0x7F: result.append(byte)
      default:
        let digits = String(byte, radix: 8)
        result += Array(("\\" + String(repeating: "0", count: 3 - digits.count) + digits).utf8)
      }
    }
    return result
  }

  /// A path for a terminal: with question marks for what it might obey, as find(1) has it.
  static func shown(_ path: [UInt8]) -> [UInt8] {
    let quoting = ShellQuoting()
    return quoting.masked(path)
  }
}
