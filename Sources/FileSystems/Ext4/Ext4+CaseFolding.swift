internal import Bytes

/// How a directory that folds case (feature `casefold`, `EXT4_CASEFOLD_FL`) compares names.
extension Ext4 {
  /// The form of `name` that names which count as equal share, and that the directory's hash is made of; nil where
  /// `name` is not text: such a name equals only itself, and is hashed as it is.
  ///
  /// This is what Linux calls NFDICF, of Unicode 12.1.0, the only encoding that ext4 knows: canonical decomposition,
  /// full case folding, no default ignorable code points. What was not assigned in that version stands for itself.
  /// So does a continuation byte where a character other than the first should start, though the rest has to be valid
  /// UTF-8.
  static func folded(_ name: RawSpan) -> [UInt8]? {
    if let folded = foldedASCII(name) { return folded }
    let rules = CaseFoldingRules.shared
    var result: [UInt8] = []
    result.reserveCapacity(name.byteCount)
    var run = MarkRun()
    var scalars: [UInt32] = []
    var offset = 0
    while offset < name.byteCount {
      if offset > 0, name[offset] & 0xC0 == 0x80 {
        run.append(name[offset], to: &result)
        offset += 1
        continue
      }
      guard let (scalar, length) = scalar(of: name, at: offset) else { return nil }
      offset += length
      scalars.removeAll(keepingCapacity: true)
      rules.appendFolded(scalar.value, to: &scalars)
      // To the kernel's ordering of marks, what is left out still is a character that ends a run of them.
      if scalars.isEmpty { run.end(appendingTo: &result) }
      for scalar in scalars {
        // Always a scalar: the table's test folds all there are.
        guard let scalar = Unicode.Scalar(scalar) else { return nil }
        run.append(scalar, class: rules.combiningClass(of: scalar.value), to: &result)
      }
    }
    run.end(appendingTo: &result)
    return result
  }

  /// The scalar at `offset` and its length in bytes; nil where UTF-8 (RFC 3629, section 4) has no such sequence.
  private static func scalar(of name: RawSpan, at offset: Int) -> (Unicode.Scalar, Int)? {
    let lead = name[offset]
    let length = lead < 0x80 ? 1 : (~lead).leadingZeroBitCount
    guard !(0x80..<0xC0).contains(lead), lead < 0xF8, name.byteCount - offset >= length else { return nil }
    var value = UInt32(lead) & (length == 1 ? 0x7F : 0xFF >> UInt32(length + 1))
    for index in 1..<length {
      guard name[offset + index] & 0xC0 == 0x80 else { return nil }
      value = value << 6 | UInt32(name[offset + index] & 0x3F)
    }
    guard let scalar = Unicode.Scalar(value), UTF8.width(scalar) == length else { return nil }
    return (scalar, length)
  }

  /// Most names: nil where there is more than ASCII.
  private static func foldedASCII(_ name: RawSpan) -> [UInt8]? {
    var result: [UInt8] = []
    result.reserveCapacity(name.byteCount)
    for index in 0..<name.byteCount {
      let byte = name[index]
      guard byte < 0x80 else { return nil }
      result.append((UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte)
    }
    return result
  }
}

/// `CaseFoldingTable`, decoded.
private struct CaseFoldingRules: Sendable {
  static let shared = CaseFoldingRules()

  /// Ascending code points, and for each where in `sequences` its sequence starts; that of the next one ends it.
  private var keys: [UInt32] = []
  private var starts: [Int] = []
  private var sequences: [UInt32] = []
  private var classes: [UInt32: UInt8] = [:]

  private init() {
    var tails: [UInt32] = []
    var source = CaseFoldingNumbers(CaseFoldingTable.tails)
    while !source.isAtEnd { tails.append(source.signed(from: tails.last ?? 0)) }

    source = CaseFoldingNumbers(CaseFoldingTable.mappings)
    var key: UInt32 = 0
    var first: UInt32 = 0
    while !source.isAtEnd {
      key += source.unsigned()
      let kind = source.unsigned()
      first = source.signed(from: first)
      let rest = (0..<(kind & 3)).map { _ in tails[Int(source.unsigned())] }
      let stride = 1 + (kind >> 2 & 1)
      for index in 0...(kind >> 3) {
        if index > 0 {
          key += stride
          first += stride
        }
        keys.append(key)
        starts.append(sequences.count)
        sequences.append(first)
        sequences += rest
      }
    }
    starts.append(sequences.count)

    source = CaseFoldingNumbers(CaseFoldingTable.classes)
    key = 0
    while !source.isAtEnd {
      key += source.unsigned()
      let end = key + source.unsigned()
      let combiningClass = UInt8(source.unsigned())
      for scalar in key...end { classes[scalar] = combiningClass }
      key = end
    }
  }

  func appendFolded(_ scalar: UInt32, to result: inout [UInt32]) {
    if hangulSyllables.contains(scalar) { return appendHangul(scalar, to: &result) }
    let index = keys.indices.partitioningIndex { keys[$0] >= scalar }
    if index < keys.count, keys[index] == scalar {
      result += sequences[starts[index]..<starts[index + 1]]
    } else if !CaseFoldingTable.ignorable.contains(where: { $0.contains(scalar) }) {
      result.append(scalar)
    }
  }

  /// The Unicode Standard, section 3.12, "Hangul Syllable Decomposition".
  private func appendHangul(_ scalar: UInt32, to result: inout [UInt32]) {
    let index = scalar - hangulSyllables.lowerBound
    result.append(0x1100 + index / (21 * 28))
    result.append(0x1161 + index % (21 * 28) / 28)
    if index % 28 != 0 { result.append(0x11A7 + index % 28) }
  }

  /// 0 for what is not a mark that moves.
  func combiningClass(of scalar: UInt32) -> UInt8 { classes[scalar] ?? 0 }
}

/// Puts each run of marks in the order of their combining classes, and leaves those of one class in the order they are
/// in: the Canonical Ordering Algorithm (The Unicode Standard, section 3.11).
private struct MarkRun {
  /// Class 0 is for a stray byte.
  private var items: [(class: UInt8, bytes: [UInt8])] = []

  mutating func append(_ scalar: Unicode.Scalar, class combiningClass: UInt8, to result: inout [UInt8]) {
    let bytes = Array(UTF8.encode(scalar)!)
    if combiningClass != 0 {
      items.append((combiningClass, bytes))
    } else {
      end(appendingTo: &result)
      result += bytes
    }
  }

  /// Takes a continuation byte that belongs to no character.
  mutating func append(_ stray: UInt8, to result: inout [UInt8]) {
    if items.isEmpty { result.append(stray) } else { items.append((0, [stray])) }
  }

  /// The kernel passes over a run once to see which classes there are, then once for each class. It lets stray bytes
  /// through in every pass, so that they come out several times.
  mutating func end(appendingTo result: inout [UInt8]) {
    if items.count == 1 {
      result += items[0].bytes
    } else if !items.isEmpty {
      // The first of the passes is that of class 0, where there is a stray byte.
      for combiningClass in Set(items.lazy.map(\.class)).sorted() {
        for item in items where item.class == combiningClass || item.class == 0 { result += item.bytes }
      }
    }
    items.removeAll(keepingCapacity: true)
  }
}

private let hangulSyllables: ClosedRange<UInt32> = 0xAC00...0xD7A3

/// The numbers of one string of the table.
private struct CaseFoldingNumbers {
  private let digits: [UInt8]
  private var position = 0

  init(_ text: StaticString) { digits = Array(text.description.utf8) }

  var isAtEnd: Bool { position >= digits.count }

  mutating func unsigned() -> UInt32 {
    var value: UInt32 = 0
    var shift: UInt32 = 0
    while true {
      let digit = Self.value(of: digits[position])
      position += 1
      value |= (digit & 31) << shift
      if digit < 32 { return value }
      shift += 5
    }
  }

  /// A difference, added to `base`.
  mutating func signed(from base: UInt32) -> UInt32 {
    let number = unsigned()
    return number & 1 == 0 ? base + number >> 1 : base - number >> 1
  }

  private static func value(of digit: UInt8) -> UInt32 {
    switch digit {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(digit - UInt8(ascii: "0"))
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(digit - UInt8(ascii: "A")) + 10
    case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(digit - UInt8(ascii: "a")) + 36
    case UInt8(ascii: "-"): 62
    default: 63
    }
  }
}
