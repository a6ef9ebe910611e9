/// The program's arguments, byte for byte.
///
/// Names in an image are bytes, and a `String` holds UTF-8 only. A byte that is part of none is therefore given to the
/// command line as a character of a private area, U+10F700 and the byte, and taken back from there.
public enum RawArguments {
  private static let base: UInt32 = 0x10F700

  /// The arguments without the program's name.
  public static let encoded: [String] = {
    let count = Int(CommandLine.argc)
    guard count > 1 else { return [] }
    // Safe: the system gives `argc` strings that end in NUL, and nothing changes them.
    return (1..<count).compactMap { index in
      unsafe CommandLine.unsafeArgv[index].map { start in
        var bytes: [UInt8] = []
        var place = unsafe start
        while let byte = Optional(unsafe UInt8(bitPattern: place.pointee)), byte != 0 {
          bytes.append(byte)
          unsafe place += 1
        }
        return encode(bytes)
      }
    }
  }()

  /// The bytes that stand for an argument, or for a part of one.
  public static func bytes(of text: some StringProtocol) -> [UInt8] {
    var bytes: [UInt8] = []
    for scalar in text.unicodeScalars {
      if scalar.value >= base && scalar.value < base + 0x100 {
        bytes.append(UInt8(scalar.value - base))
      } else {
        bytes += Array(String(scalar).utf8)
      }
    }
    return bytes
  }

  static func encode(_ bytes: [UInt8]) -> String {
    if let text = String(validating: bytes, as: UTF8.self),
      !text.unicodeScalars.contains(where: { $0.value >= base && $0.value < base + 0x100 })
    {
      return text
    }
    var text = ""
    var rest = bytes[...]
    while let first = rest.first {
      let length = (2...4).first { length in
        rest.count >= length && first >= 0xC2 && String(validating: rest.prefix(length), as: UTF8.self) != nil
      }
      let part = first < 0x80 ? 1 : length ?? 0
      // A character of the area itself goes in as the bytes it consists of, so that each comes back as it was.
      if part > 0, let character = String(validating: rest.prefix(part), as: UTF8.self),
        let scalar = character.unicodeScalars.first, scalar.value < base || scalar.value >= base + 0x100
      {
        text += character
        rest = rest.dropFirst(part)
      } else {
        if let scalar = Unicode.Scalar(base + UInt32(first)) { text.unicodeScalars.append(scalar) }
        rest = rest.dropFirst()
      }
    }
    return text
  }
}
