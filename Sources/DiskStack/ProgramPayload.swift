internal import BlockDevices
internal import Bytes
internal import FileSystems

/// A program that carries a filesystem behind itself: an AppImage of type 2, or another that unpacks itself.
///
///     program in the ELF format | SquashFS | signatures and the like
enum ProgramPayload {
  /// Byte position at which a filesystem begins in what is a program by its start; nil where there is none.
  static func start(in device: any BlockDevice) -> UInt64? {
    guard let ends = ELFHeader(of: device)?.ends else { return nil }
    for end in ends {
      for alignment in [1, 16, 512, 4096] as [UInt64] {
        let place = end.roundedUp(toMultipleOf: alignment)
        if let size = filesystemSize(at: place, in: device), size > 0 { return place }
      }
    }
    // Not where the program ends: what was put in between, or the headers do not tell. The program may have the magic
    // in its code, so what is found has to fit into the file.
    return search(from: ends.min() ?? 0, in: device)
  }

  /// Bytes that a filesystem at `place` takes, by its word; nil where there is none.
  private static func filesystemSize(at place: UInt64, in device: any BlockDevice) -> UInt64? {
    guard place > 0, place < device.size,
      let rest = Slice(of: device, start: place, size: device.size - place)
    else { return nil }
    return SquashFS.statedSize(on: rest)
  }

  private static func search(from start: UInt64, in device: any BlockDevice) -> UInt64? {
    var position = start
    let end = min(device.size, start.addingReportingOverflow(searchLength).partialValue)
    while position < end {
      let count = Int(min(UInt64(searchStep), end - position))
      guard let bytes = try? device.bytes(count, at: position) else { return nil }
      var from = 0
      while let offset = SquashFS.offsetOfMagic(in: bytes, from: from) {
        let place = position + UInt64(offset)
        if let size = filesystemSize(at: place, in: device), size <= device.size - place { return place }
        from = offset + 1
      }
      // The magic may lie across the boundary.
      if count < searchStep { return nil }
      position += UInt64(searchStep - 3)
    }
    return nil
  }

  /// Bytes behind the program's end that are looked through.
  private static let searchLength: UInt64 = 4 << 20
  private static let searchStep = 64 << 10
}
