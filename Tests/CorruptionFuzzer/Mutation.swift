import BlockDevices
import Bytes

extension Target {
  /// A damaged image, the same for the same random numbers.
  func mutated(_ random: inout Random) -> MutatedDevice {
    var edits = random.oneIn(4) ? [] : editsAgainstChecksums
    let count =
      switch random.below(20) {
      case 0..<10: 1
      case 10..<17: 2 + random.below(3)
      default: 5 + random.below(36)
      }
    for _ in 0..<count { edits.append(anEdit(&random)) }
    var size = file.size
    if random.oneIn(20) {
      size = random.oneIn(2) ? random.next() % (size + 1) : min(size, place(&random))
    }
    let device = MutatedDevice(file, edits: edits, size: size)
    if kind != .image || random.oneIn(4) { return device }
    return MutatedDevice(file, edits: edits + ImageChecksums.repairs(of: device), size: size)
  }

  /// An image with one bit of its metadata changed, checksums left alone.
  func withOneBitFlipped(_ random: inout Random) -> MutatedDevice {
    let place = place(&random)
    let flipped = edit(at: place, old(place, 1) ^ 1 << UInt64(random.below(8)), width: 1)
    return MutatedDevice(file, edits: [flipped], size: file.size)
  }

  private func anEdit(_ random: inout Random) -> MutatedDevice.Edit {
    if random.below(10) < 6, let field = field(&random) {
      return edit(at: field.offset, value(for: field, &random), width: field.width, bigEndian: field.isBigEndian)
    }
    let place = place(&random)
    switch random.below(7) {
    case 0:
      return edit(at: place, old(place, 1) ^ 1 << UInt64(random.below(8)), width: 1)
    case 1:
      return edit(at: place, random.next(), width: 1)
    case 2, 3:
      let width = [1, 2, 4, 4, 8][random.below(5)]
      let field = Field(place & ~UInt64(min(width, 4) - 1), width, isBigEndian: random.oneIn(4))
      return edit(at: field.offset, value(for: field, &random), width: width, bigEndian: field.isBigEndian)
    case 4:
      let length = 1 << random.below(12)
      return MutatedDevice.Edit(offset: place, bytes: [UInt8](repeating: random.oneIn(2) ? 0 : 0xFF, count: length))
    default:
      // Something of the image in a place where it does not belong.
      let length = [4, 8, 12, 16, 64, 128, 256, 1024, 4096][random.below(9)]
      let from = self.place(&random) & ~3
      let available = Int(min(UInt64(length), file.size - min(from, file.size)))
      return MutatedDevice.Edit(offset: place & ~3, bytes: (try? file.bytes(available, at: from)) ?? [])
    }
  }

  /// Values at the edges of what a field can hold and of what it can mean.
  private func value(for field: Field, _ random: inout Random) -> UInt64 {
    let old = old(field.offset, field.width, bigEndian: field.isBigEndian)
    let top = UInt64(1) << UInt64(field.width * 8 - 1)
    switch random.below(12) {
    case 0: return 0
    case 1: return .max
    case 2: return top
    case 3: return top &- 1
    case 4: return UInt64.max &- random.next() % 64
    case 5: return UInt64(1) << UInt64(random.below(field.width * 8))
    case 6: return old ^ 1 << UInt64(random.below(field.width * 8))
    case 7: return old &+ 1 &+ random.next() % 16
    case 8: return old &- 1 &- random.next() % 16
    case 9: return reference(&random)
    case 10: return random.next() % 64
    default: return random.next()
    }
  }

  private func old(_ offset: UInt64, _ width: Int, bigEndian: Bool = false) -> UInt64 {
    guard let bytes = try? file.bytes(width, at: offset) else { return 0 }
    return (bigEndian ? bytes : bytes.reversed()).reduce(0) { $0 << 8 | UInt64($1) }
  }
}
