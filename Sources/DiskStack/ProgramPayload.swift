internal import BlockDevices
internal import Bytes
internal import FileSystems

/// A filesystem behind something else: behind the program or script that unpacks or mounts it, as in an AppImage of type
/// 2, or behind what a machine starts with, as in the images that are written to its flash memory.
///
///     program in the ELF format, or script | SquashFS | signatures and the like
enum ProgramPayload {
  /// Byte position at which a filesystem begins in what is a program or a script by its start; nil where there is none.
  static func start(in device: any BlockDevice) -> UInt64? {
    guard let ends = ELFHeader(of: device)?.ends else {
      // A script has no end that could be told.
      return isScript(device) ? search(from: 0, in: device) : nil
    }
    for end in ends {
      for alignment in [1, 16, 512, 4096] as [UInt64] {
        let place = end.roundedUp(toMultipleOf: alignment)
        if filesystemSize(at: place, in: device) != nil { return place }
      }
    }
    // Not where the program ends: what was put in between, or the headers do not tell. The program may have the magic
    // in its code.
    for end in ends.reversed() {
      if let place = search(from: end, in: device) { return place }
    }
    return ends.isEmpty ? search(from: 0, in: device) : nil
  }

  /// The first place at which a filesystem begins in whatever this is: for who has to be told of it. What comes in front
  /// of it can be anything, so nobody is shown it without having asked.
  static func hint(in device: any BlockDevice) -> UInt64? { search(from: 0, in: device) }

  private static func isScript(_ device: any BlockDevice) -> Bool {
    guard device.size > 2, let bytes = try? device.bytes(2, at: 0) else { return false }
    return bytes == Array("#!".utf8)
  }

  /// Bytes that a filesystem at `place` takes, by its word; nil where there is none.
  private static func filesystemSize(at place: UInt64, in device: any BlockDevice) -> UInt64? {
    guard place > 0, place < device.size,
      let rest = Slice(of: device, start: place, size: device.size - place)
    else { return nil }
    return SquashFS.statedSize(on: rest)
  }

  /// The first filesystem from `start` on that fits into the device; else the first that does not, as the device was cut
  /// short then.
  private static func search(from start: UInt64, in device: any BlockDevice) -> UInt64? {
    var position = start
    var cutShort: UInt64?
    var looks = 0
    let end = min(device.size, start.addingReportingOverflow(searchLength).partialValue)
    while position < end {
      let count = Int(min(UInt64(searchStep), end - position))
      guard let bytes = try? device.bytes(count, at: position) else { break }
      var from = 0
      while let offset = SquashFS.offsetOfMagic(in: bytes, from: from) {
        looks += 1
        guard looks <= lookLimit else { return cutShort }
        let place = position + UInt64(offset)
        if let size = filesystemSize(at: place, in: device) {
          if size <= device.size - place { return place }
          cutShort = cutShort ?? place
        }
        from = offset + 1
      }
      // The magic may lie across the boundary.
      if count < searchStep { break }
      position += UInt64(searchStep - 3)
    }
    return cutShort
  }

  /// Bytes that are looked through: more than the programs and kernels have that come in front.
  private static let searchLength: UInt64 = 32 << 20
  private static let searchStep = 64 << 10
  /// Places with the magic that are looked at.
  private static let lookLimit = 4096
}
