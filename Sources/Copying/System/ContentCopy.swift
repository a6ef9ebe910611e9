internal import BlockDevices
internal import Browsing
internal import Bytes
internal import Glibc
internal import SystemPackage

/// Copies the contents of files of an image into new files: holes stay holes, bytes that lie on the host as they are go
/// by copy_file_range(2) or sendfile(2), and the rest through memory that is used again.
// Safe: the memory belongs to this object alone, and the object to one thread at a time.
@safe final class ContentCopy: @unchecked Sendable {
  private let memory: UnsafeMutableRawBufferPointer
  private var extents = HostExtentList()
  /// Of files that are large enough for it to be worth a look where the host has no data, as of a disk that is sparse.
  private var sparseExtents = HostExtentList(findsHostHoles: true)
  private let readAhead: ReadAhead
  /// What works from this image to this target; those that do not are not tried again.
  private var transfers = NewFile.Transfer.allCases

  private static let bufferSize = 512 << 10
  /// Below this a copy through memory is as quick.
  private static let leastTransferred: UInt64 = 64 << 10
  private static let leastSparse: UInt64 = 1 << 20
  /// Bytes between two looks at whether somebody wants an end.
  private static let longestTransfer: UInt64 = 16 << 20

  /// - Parameter readAhead: the tree's, shared by all who copy from it.
  init(_ readAhead: ReadAhead) {
    // Safe: it is freed with this object, which nobody hands its memory on from.
    unsafe memory = .allocate(byteCount: Self.bufferSize, alignment: 4096)
    self.readAhead = readAhead
  }

  deinit { unsafe memory.deallocate() }

  /// Copies all of `file`, the tree's node `number`, to `target`, which is empty.
  /// - Parameter progress: told of bytes that were copied or left out.
  func copy(
    _ file: any BlockDevice, number: UInt64, to target: NewFile, progress: (UInt64) -> Void
  ) throws(CopyFailure) {
    var position: UInt64 = 0
    var endsInHole = false
    let size = file.size
    while position < size {
      try Interruption.check()
      let extents = try resolve(position..<size, of: file, isSparse: size >= Self.leastSparse)
      readAhead.note(position..<position + extents.length, of: number, file, extents: extents)
      for extent in extents.extents {
        if case .hole = extent.kind {
          endsInHole = true
          do { try target.skip(extent.length) } catch { throw .writing(error) }
          progress(extent.length)
        } else {
          endsInHole = false
          try copy(extent, to: target, progress: progress)
        }
      }
      position += extents.length
    }
    guard endsInHole else { return }
    do { try target.setEnd() } catch { throw .writing(error) }
  }

  /// The first extents of a range: at least one.
  private func resolve(
    _ range: Range<UInt64>, of file: any BlockDevice, isSparse: Bool
  ) throws(CopyFailure) -> HostExtentList {
    do throws(ReadError) {
      if isSparse {
        sparseExtents.removeAll()
        try file.resolve(range, into: &sparseExtents)
      } else {
        extents.removeAll()
        try file.resolve(range, into: &extents)
      }
    } catch { throw .reading(error) }
    let found = isSparse ? sparseExtents : extents
    guard found.length > 0 else { throw .reading(.corrupt("extent map", at: range.lowerBound)) }
    return found
  }

  private func copy(
    _ extent: HostExtent, to target: NewFile, progress: (UInt64) -> Void
  ) throws(CopyFailure) {
    switch extent.kind {
    case .hole: break
    case .host(let host, let offset):
      var done: UInt64 = 0
      while done < extent.length, extent.length - done >= Self.leastTransferred, let transfer = transfers.first {
        try Interruption.check()
        let length = min(extent.length - done, Self.longestTransfer)
        let moved: UInt64?
        do { moved = try target.copy(length, of: host, at: offset + done, by: transfer) } catch {
          throw .writing(error)
        }
        if let moved, moved > 0 {
          done += moved
          progress(moved)
        } else if moved == nil {
          transfers.removeFirst()
        } else {
          // The end of the image, or a filesystem that says nothing better: the copy finds out.
          break
        }
      }
      try copyThroughMemory(extent.length - done, to: target, progress: progress) {
        (part, length, out) throws(ReadError) in
        try host.read(length, at: offset + done + part, into: &out)
      }
    case .encoded(let unit, let skip):
      let decoded: DecodedBytes
      do throws(ReadError) {
        decoded = try unit.decoded()
        _ = try decoded.bytes.slice(skip, count: Int(clamping: extent.length), of: "decoded unit")
      } catch { throw .reading(error) }
      do throws(Errno) {
        // Safe: `decoded` holds the bytes, and the part of them is checked above.
        try unsafe target.write(UnsafeRawBufferPointer(rebasing: decoded.buffer[skip..<skip + Int(extent.length)]))
      } catch { throw .writing(error) }
      withExtendedLifetime(decoded) {}
      progress(extent.length)
    }
  }

  private func copyThroughMemory(
    _ length: UInt64, to target: NewFile, progress: (UInt64) -> Void,
    _ read: (UInt64, Int, inout OutputRawSpan) throws(ReadError) -> Void
  ) throws(CopyFailure) {
    var done: UInt64 = 0
    while done < length {
      if done > 0 { try Interruption.check() }
      let count = Int(min(length - done, UInt64(Self.bufferSize)))
      // Safe: the count is at most the memory's size, and nobody else has the memory.
      let room = unsafe UnsafeMutableRawBufferPointer(rebasing: memory[..<count])
      var out = unsafe OutputRawSpan(buffer: room, initializedCount: 0)
      do { try read(done, count, &out) } catch { throw .reading(error) }
      guard unsafe out.finalize(for: room) == count else { throw .reading(.corrupt("data")) }
      do { try unsafe target.write(UnsafeRawBufferPointer(room)) } catch { throw .writing(error) }
      done += UInt64(count)
      progress(UInt64(count))
    }
  }
}
