/// The order of names with numbers in them: "a9" before "a10", "1.0~rc1" before "1.0", and "x.tar" before "x1.tar". It is
/// the one that the manual of the GNU coreutils describes ("Version sort ordering").
public enum VersionOrder {
  /// Negative where `first` comes before `second`; 0 where neither does, which need not mean that they are equal.
  public static func compare(_ first: ArraySlice<UInt8>, _ second: ArraySlice<UInt8>) -> Int {
    let classes = (rank(first), rank(second))
    // Nothing, ".", "..", and what else begins with a dot come in front.
    if classes.0 != classes.1 { return classes.0 - classes.1 }
    if classes.0 < 3 { return 0 }
    let comparison = compareParts(first[..<endOfStem(first)], second[..<endOfStem(second)])
    return comparison == 0 ? compareParts(first, second) : comparison
  }

  private static func rank(_ name: ArraySlice<UInt8>) -> Int {
    guard name.first == dot else { return name.isEmpty ? 0 : 4 }
    if name.count == 1 { return 1 }
    return name.count == 2 && name.last == dot ? 2 : 3
  }

  /// Where the suffixes begin: a dot and a letter each, with letters and digits behind it.
  private static func endOfStem(_ name: ArraySlice<UInt8>) -> Int {
    var index = name.startIndex
    while index < name.endIndex {
      let stem = index
      while index + 1 < name.endIndex, name[index] == dot, isLetter(name[index + 1]) || name[index + 1] == tilde {
        index += 2
        while index < name.endIndex, isLetter(name[index]) || isDigit(name[index]) || name[index] == tilde {
          index += 1
        }
      }
      if index == name.endIndex { return stem }
      index += 1
    }
    return index
  }

  /// Compares runs of what are no digits and runs of digits in turn.
  private static func compareParts(_ first: ArraySlice<UInt8>, _ second: ArraySlice<UInt8>) -> Int {
    var (one, other) = (first, second)
    while !one.isEmpty || !other.isEmpty {
      while isText(one) || isText(other) {
        let comparison = weight(one) - weight(other)
        if comparison != 0 { return comparison }
        _ = one.popFirst()
        _ = other.popFirst()
      }
      let numbers = (popNumber(&one), popNumber(&other))
      // Without zeros in front, the longer number is the greater one.
      if numbers.0.count != numbers.1.count { return numbers.0.count - numbers.1.count }
      if !numbers.0.elementsEqual(numbers.1) { return numbers.0.lexicographicallyPrecedes(numbers.1) ? -1 : 1 }
    }
    return 0
  }

  private static func isText(_ rest: ArraySlice<UInt8>) -> Bool { rest.first.map { !isDigit($0) } ?? false }

  private static func popNumber(_ rest: inout ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    let digits = rest.prefix(while: isDigit)
    rest = rest[digits.endIndex...]
    return digits.drop { $0 == UInt8(ascii: "0") }
  }

  /// A tilde is before the end, the end and digits are before letters, and those before all else.
  private static func weight(_ rest: ArraySlice<UInt8>) -> Int {
    guard let byte = rest.first else { return -1 }
    if isDigit(byte) { return 0 }
    if byte == tilde { return -2 }
    return isLetter(byte) ? Int(byte) : Int(byte) + 256
  }

  private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
  private static func isLetter(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
  }
  private static let dot = UInt8(ascii: ".")
  private static let tilde = UInt8(ascii: "~")
}
