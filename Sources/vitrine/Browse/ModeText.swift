internal import FileSystems

extension NodeType {
  /// The letter in front of a mode, as ls(1) prints it.
  var letter: UInt8 {
    switch self {
    case .fifo: UInt8(ascii: "p")
    case .characterDevice: UInt8(ascii: "c")
    case .directory: UInt8(ascii: "d")
    case .blockDevice: UInt8(ascii: "b")
    case .regular: UInt8(ascii: "-")
    case .symbolicLink: UInt8(ascii: "l")
    case .socket: UInt8(ascii: "s")
    }
  }

  /// As stat(1) calls it.
  func title(size: UInt64) -> String {
    switch self {
    case .fifo: "fifo"
    case .characterDevice: "character special file"
    case .directory: "directory"
    case .blockDevice: "block special file"
    case .regular: size == 0 ? "regular empty file" : "regular file"
    case .symbolicLink: "symbolic link"
    case .socket: "socket"
    }
  }

  /// As JSON calls it.
  var name: String {
    switch self {
    case .fifo: "fifo"
    case .characterDevice: "char"
    case .directory: "directory"
    case .blockDevice: "block"
    case .regular: "file"
    case .symbolicLink: "symlink"
    case .socket: "socket"
    }
  }
}

extension Attributes {
  /// "-rwxr-xr-x"
  var modeText: String {
    var text: [UInt8] = [type.letter]
    for (shift, special, letter) in [(6, 0o4000, "s"), (3, 0o2000, "s"), (0, 0o1000, "t")] {
      let bits = permissions >> UInt16(shift)
      text.append(bits & 4 != 0 ? UInt8(ascii: "r") : UInt8(ascii: "-"))
      text.append(bits & 2 != 0 ? UInt8(ascii: "w") : UInt8(ascii: "-"))
      let executes = bits & 1 != 0
      if permissions & UInt16(special) != 0 {
        text += Array((executes ? letter : letter.uppercased()).utf8)
      } else {
        text.append(executes ? UInt8(ascii: "x") : UInt8(ascii: "-"))
      }
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// `st_mode`.
  var mode: UInt32 { UInt32(type.rawValue) | UInt32(permissions & 0o7777) }

  /// `st_blocks`.
  var sectors: UInt64 { HumanSize.units(allocatedSize, of: 512) }
}
