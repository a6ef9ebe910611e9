public import BlockDevices

/// Recognizing a SquashFS by its start, for what finds one inside of another file.
extension SquashFS {
  /// Bytes that a SquashFS of the version that is read takes from the device's start on, by its own word; nil where
  /// there is none whose superblock makes sense.
  public static func statedSize(on device: any BlockDevice) -> UInt64? {
    guard let superblock = try? Superblock(on: device) else { return nil }
    return superblock.size
  }

  /// The next place from `start` on where the magic stands in `bytes`.
  public static func offsetOfMagic(in bytes: [UInt8], from start: Int) -> Int? {
    let first = UInt8(truncatingIfNeeded: magic)
    var index = start
    while index + 4 <= bytes.count {
      if bytes[index] == first, bytes[index + 1] == UInt8(truncatingIfNeeded: magic >> 8),
        bytes[index + 2] == UInt8(truncatingIfNeeded: magic >> 16),
        bytes[index + 3] == UInt8(truncatingIfNeeded: magic >> 24)
      {
        return index
      }
      index += 1
    }
    return nil
  }
}
