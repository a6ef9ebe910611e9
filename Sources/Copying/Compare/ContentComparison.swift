internal import BlockDevices
internal import Bytes

/// Whether two files hold the same bytes: where both are stored in the same place, nothing is read.
struct ContentComparison {
  private static let pieceSize: UInt64 = 256 << 10

  static func areEqual(_ first: any BlockDevice, _ second: any BlockDevice) throws(ReadError) -> Bool {
    guard first.size == second.size else { return false }
    // Holes of the host count: folders of the host are compared, too, and copies with what they are copies of.
    var firstExtents = HostExtentList(findsHostHoles: true)
    var secondExtents = HostExtentList(findsHostHoles: true)
    var position: UInt64 = 0
    while position < first.size {
      if Interruption.isNoted { return true }
      firstExtents.removeAll()
      secondExtents.removeAll()
      try first.resolve(position..<first.size, into: &firstExtents)
      try second.resolve(position..<first.size, into: &secondExtents)
      guard let one = firstExtents.extents.first, let other = secondExtents.extents.first else {
        throw .corrupt("extent map", at: position)
      }
      var length = min(one.length, other.length)
      if !isSame(one, other) {
        // As much at a time as fits the memory for it, whatever the extents are.
        length = min(Self.pieceSize, first.size - position)
        guard try first.bytes(Int(length), at: position) == second.bytes(Int(length), at: position) else {
          return false
        }
      }
      position += length
    }
    return true
  }

  /// Whether two extents hold the same bytes, as far as that is known without reading them.
  private static func isSame(_ first: HostExtent, _ second: HostExtent) -> Bool {
    switch (first.kind, second.kind) {
    case (.hole, .hole): true
    case (.host(let file, let offset), .host(let other, let start)):
      file.identity == other.identity && offset == start
    case (.encoded(let unit, let skip), .encoded(let other, let start)):
      unit.decoder === other.decoder && unit.unit == other.unit && skip == start
    default: false
    }
  }
}
