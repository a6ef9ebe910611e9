internal import BlockDevices
internal import Bytes

/// Where a file has data, in order, told from the filesystem's extents: in bounded memory, however many runs there are.
struct SparseRuns {
  private let file: any BlockDevice
  private var extents = HostExtentList()

  init(of file: any BlockDevice) { self.file = file }

  /// Whether some part of the file is a hole; the first extents decide for most files.
  mutating func hasHoles() throws(ReadError) -> Bool {
    var position: UInt64 = 0
    while position < file.size {
      try fill(from: position)
      for extent in extents.extents {
        if case .hole = extent.kind { return true }
      }
      position += extents.length
    }
    return false
  }

  /// Visits each run of data, neighbours joined; what follows the last one is a hole.
  mutating func forEach<E: Error>(
    failure: (ReadError) -> E, _ visit: (Range<UInt64>) throws(E) -> Void
  ) throws(E) {
    var position: UInt64 = 0
    var run: Range<UInt64>?
    while position < file.size {
      do throws(ReadError) { try fill(from: position) } catch { throw failure(error) }
      for extent in extents.extents {
        if case .hole = extent.kind {
          if let run { try visit(run) }
          run = nil
        } else {
          run = (run?.lowerBound ?? position)..<(position + extent.length)
        }
        position += extent.length
      }
    }
    if let run { try visit(run) }
  }

  private mutating func fill(from position: UInt64) throws(ReadError) {
    extents.removeAll()
    try file.resolve(position..<file.size, into: &extents)
    guard extents.length > 0 else { throw .corrupt("extent map", at: position) }
  }
}
