internal import CFuse
internal import Glibc
internal import SystemPackage

/// A request of the kernel's, to be answered exactly once.
///
/// Answers whose sending fails are dropped: the caller was interrupted, or the mount is gone.
@safe struct Request {
  private let handle: fuse_req_t

  // Safe: libfuse has just handed over the handle.
  init(_ handle: fuse_req_t) { unsafe self.handle = handle }

  /// Safe: the session outlives its loop, and was handed to libfuse as this pointer.
  var session: Session { unsafe Unmanaged<Session>.fromOpaque(fuse_req_userdata(handle)).takeUnretainedValue() }

  /// Whether whoever asked has stopped waiting.
  var isInterrupted: Bool { unsafe fuse_req_interrupted(handle) != 0 }

  // Safe, all of these: libfuse copies what it is given before it returns, and frees the handle, which is not used
  // again after an answer.

  func answer(_ error: Errno) { _ = unsafe fuse_reply_err(handle, error.rawValue) }
  func answerNothing() { unsafe fuse_reply_none(handle) }

  func answer(entry: fuse_entry_param) {
    var entry = entry
    _ = unsafe fuse_reply_entry(handle, &entry)
  }

  func answer(attributes: stat, timeout: Double) {
    var attributes = attributes
    _ = unsafe fuse_reply_attr(handle, &attributes, timeout)
  }

  func answer(link target: [UInt8]) {
    // libfuse takes a C string; the contract of `linkTarget` excludes a NUL inside.
    let terminated = target + [0]
    _ = unsafe terminated.withUnsafeBufferPointer { bytes in
      unsafe bytes.withMemoryRebound(to: CChar.self) { unsafe fuse_reply_readlink(handle, $0.baseAddress!) }
    }
  }

  func answer(open information: fuse_file_info) {
    var information = information
    _ = unsafe fuse_reply_open(handle, &information)
  }

  func answer(statistics: statvfs) {
    var statistics = statistics
    _ = unsafe fuse_reply_statfs(handle, &statistics)
  }

  func answer(extendedAttributeSize size: Int) { _ = unsafe fuse_reply_xattr(handle, size) }
  func answer(position: UInt64) { _ = unsafe fuse_reply_lseek(handle, off_t(clamping: position)) }

  func answer(bytes: [UInt8]) {
    _ = unsafe bytes.withUnsafeBytes { unsafe answer(memory: $0) }
  }

  @unsafe func answer(memory: UnsafeRawBufferPointer) -> Int32 {
    unsafe fuse_reply_buf(handle, memory.baseAddress?.assumingMemoryBound(to: CChar.self), memory.count)
  }

  /// Answers with pieces of memory, one behind the other.
  @unsafe func answer(pieces: [iovec]) {
    _ = unsafe pieces.withUnsafeBufferPointer { unsafe fuse_reply_iov(handle, $0.baseAddress, CInt($0.count)) }
  }

  /// Answers with what is in a pipe: all of it is taken out, or an error comes back.
  func answer(pipe descriptor: CInt, count: Int) -> Int32 {
    var vector = fuse_bufvec()
    vector.count = 1
    unsafe vector.buf.size = count
    unsafe vector.buf.flags = fuse_buf_flags(rawValue: FUSE_BUF_IS_FD.rawValue | FUSE_BUF_FD_RETRY.rawValue)
    unsafe vector.buf.fd = descriptor
    return unsafe fuse_reply_data(handle, &vector, fuse_buf_copy_flags(rawValue: 0))
  }

  /// Adds an entry to a listing that is being made in `room`; the bytes it takes, which may be more than there are.
  @unsafe func add(
    _ name: UnsafePointer<CChar>, _ attributes: stat, next: UInt64, to room: UnsafeMutableRawBufferPointer
  )
    -> Int
  {
    var attributes = attributes
    return unsafe fuse_add_direntry(
      handle, room.baseAddress?.assumingMemoryBound(to: CChar.self), room.count, name, &attributes,
      off_t(clamping: next))
  }

  @unsafe func add(
    _ name: UnsafePointer<CChar>, _ entry: fuse_entry_param, next: UInt64, to room: UnsafeMutableRawBufferPointer
  ) -> Int {
    var entry = entry
    return unsafe fuse_add_direntry_plus(
      handle, room.baseAddress?.assumingMemoryBound(to: CChar.self), room.count, name, &entry, off_t(clamping: next))
  }
}
