internal import BlockDevices
internal import Bytes
internal import CFuse
internal import Glibc
internal import SystemPackage

/// A pipe of our own, in which a reply is put together before libfuse sees any of it.
///
/// Were libfuse given the image's extents themselves, one that fails or is short behind others would become a short
/// reply, and the kernel would take that for the new end of the file.
final class ReplyPipe {
  private let readEnd: CInt
  private let writeEnd: CInt
  /// Pages it has room for.
  let slots: Int

  /// nil where the system gives no more pipes, or only tiny ones (a user's soft limit is used up).
  init?(room: Int) {
    var ends: (CInt, CInt) = (-1, -1)
    // Safe: two descriptors are written, into a pair of them.
    let made = unsafe withUnsafeMutableBytes(of: &ends) {
      unsafe pipe2($0.baseAddress?.assumingMemoryBound(to: CInt.self), O_CLOEXEC | O_NONBLOCK)
    }
    guard made == 0 else { return nil }
    (readEnd, writeEnd) = ends
    // Half the size is enough for most replies, where the whole is not granted.
    if fcntl(writeEnd, setPipeSize, CInt(room)) < 0 { _ = fcntl(writeEnd, setPipeSize, CInt(room / 2)) }
    slots = Int(max(fcntl(writeEnd, getPipeSize), 0)) / Int(ReplyMethod.pageSize)
    // libfuse makes such a pipe per thread too; with one of a page or two nothing is won.
    guard slots >= 16 else {
      close(readEnd)
      close(writeEnd)
      return nil
    }
  }

  deinit {
    close(readEnd)
    close(writeEnd)
  }

  /// Puts in `count` bytes of `file` by reference.
  /// - Throws: `.truncated` where the file ends before; `.io(.invalidArgument)` where it cannot be spliced at all.
  func splice(_ count: Int, of file: HostFile, at offset: UInt64) throws(ReadError) {
    var done = 0
    while done < count {
      var position = off_t(offset) + off_t(done)
      // Safe: the position is a local that the call reads and writes.
      let moved = unsafe CFuse.splice(
        file.descriptor.rawValue, &position, writeEnd, nil, count - done, spliceNonblocking)
      if moved > 0 {
        done += moved
      } else if moved == 0 {
        throw .truncated("data", at: offset + UInt64(done))
      } else if errno != EINTR {
        throw .io(Errno(rawValue: errno), "data", at: offset + UInt64(done))
      }
    }
  }

  /// Puts in `memory` by reference: safe, as long as it never changes.
  @unsafe func append(reference memory: UnsafeRawBufferPointer) throws(ReadError) {
    // Safe: every call is told exactly what is left of the memory.
    var rest = unsafe memory
    while unsafe !rest.isEmpty {
      var piece = unsafe iovec(iov_base: UnsafeMutableRawPointer(mutating: rest.baseAddress), iov_len: rest.count)
      let moved = unsafe vmsplice(writeEnd, &piece, 1, spliceNonblocking)
      guard moved > 0 || errno == EINTR else { throw .io(Errno(rawValue: errno), "reply") }
      unsafe rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(max(moved, 0)))
    }
  }

  /// Puts in a copy of `memory`.
  @unsafe func append(copy memory: UnsafeRawBufferPointer) throws(ReadError) {
    // Safe: as above.
    var rest = unsafe memory
    while unsafe !rest.isEmpty {
      let written = unsafe write(writeEnd, rest.baseAddress, rest.count)
      guard written > 0 || errno == EINTR else { throw .io(Errno(rawValue: errno), "reply") }
      unsafe rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(max(written, 0)))
    }
  }

  /// Bytes in the pipe.
  var filled: Int {
    var count: CInt = 0
    // Safe: FIONREAD writes an int.
    guard unsafe ioctl(readEnd, UInt(FIONREAD), &count) == 0 else { return -1 }
    return Int(count)
  }

  /// Answers with what is in the pipe, which must be `count` bytes.
  func send(_ count: Int, to request: Request) { _ = request.answer(pipe: readEnd, count: count) }
}

/// F_SETPIPE_SZ, F_GETPIPE_SZ and SPLICE_F_NONBLOCK of <fcntl.h>, which Glibc's module leaves out.
private let setPipeSize: CInt = 1031
private let getPipeSize: CInt = 1032
private let spliceNonblocking: CUnsignedInt = 2
