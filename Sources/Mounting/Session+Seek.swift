internal import BlockDevices
internal import Browsing
internal import Bytes
internal import Glibc
internal import SystemPackage

extension Session {
  /// Answers SEEK_DATA and SEEK_HOLE, the only two that the kernel asks about.
  func seek(_ number: UInt64, _ offset: off_t, _ whence: CInt, _ request: Request) {
    counters.add(to: .seek)
    answering(request, number) { () throws(ReadError) in
      let file = try tree.file(number)
      guard offset >= 0, UInt64(offset) < file.size else { throw .io(.noSuchAddressOrDevice, "offset") }
      guard whence == seekData || whence == seekHole else { throw .io(.invalidArgument, "seek") }
      let found = try Self.find(hole: whence == seekHole, from: UInt64(offset), in: file) { request.isInterrupted }
      guard let found else { throw .io(.noSuchAddressOrDevice, "offset") }
      request.answer(position: found)
    }
  }

  /// Answers of `resolve` that are gone through: about a million extents, more than any real file has. A damaged one can
  /// claim a thousand times as many.
  private static let roundLimit = 4096

  /// The first byte from `offset` on that lies in a hole, or in none; the end counts as a hole.
  ///
  /// Of a file with extents beyond measure it is said that the rest is data: lseek(2) allows that of any file.
  static func find(
    hole: Bool, from offset: UInt64, in file: any BlockDevice, isInterrupted: () -> Bool = { false }
  ) throws(ReadError) -> UInt64? {
    var position = offset
    var extents = HostExtentList(findsHostHoles: true)
    for _ in 0..<roundLimit {
      guard position < file.size else { return hole ? file.size : nil }
      extents.removeAll()
      try file.resolve(position..<file.size, into: &extents)
      guard extents.length > 0 else { throw .corrupt("extent map", at: position) }
      for extent in extents.extents {
        let isHole = if case .hole = extent.kind { true } else { false }
        if isHole == hole { return position }
        position += extent.length
      }
      if isInterrupted() { throw .io(.interrupted, "seek") }
    }
    guard position < file.size else { return hole ? file.size : nil }
    return hole ? file.size : position
  }
}

/// SEEK_DATA and SEEK_HOLE of <unistd.h>, which Glibc's module leaves out.
private let seekData: CInt = 3
private let seekHole: CInt = 4
