/// The bytes that pairs of hexadecimal digits stand for.
func hex(_ digits: String) -> [UInt8] {
  let nibbles = digits.utf8.map { UInt8(Character(UnicodeScalar($0)).hexDigitValue!) }
  return stride(from: 0, to: nibbles.count, by: 2).map { nibbles[$0] << 4 | nibbles[$0 + 1] }
}

func zeros(_ count: Int) -> [UInt8] { [UInt8](repeating: 0, count: count) }

func repeated(_ character: Character, _ count: Int) -> [UInt8] {
  [UInt8](repeating: character.asciiValue!, count: count)
}
