public import BlockDevices
public import Bytes
internal import Glibc
public import SystemPackage

/// Writes the contents of files to a descriptor: into a pipe by reference, else in the way that costs least.
///
/// Where bytes of the image's own file are wanted, they go from its page cache into a pipe, or to another file or socket,
/// without passing through this program: sendfile(2), which splices. Holes are zeros, and what has to be decoded is copied.
/// Holds 512 KiB of memory, whatever is written.
public final class ContentOutput {
  /// Why the rest was not written.
  public enum Failure: Error, Sendable {
    /// What was to be read; all before it has been written.
    case reading(ReadError)
    /// Whoever reads the output does not want more, or there is no room.
    case writing(Errno)
  }

  private let descriptor: CInt
  /// Bytes that were written.
  public private(set) var written: UInt64 = 0
  private var goesByReference: Bool
  private let readAhead: ReadAhead?
  private var extents = HostExtentList()
  private var buffer: [UInt8] = []

  private static let bufferSize = 512 << 10
  /// Below this a copy is as quick.
  private static let leastByReference: UInt64 = 16 << 10

  /// - Parameters:
  ///   - descriptor: is open for writing as long as this object is used.
  ///   - readAhead: is told of what is read, so that what has to be decoded is decoded ahead.
  public init(to descriptor: FileDescriptor, readAhead: ReadAhead? = nil) {
    self.readAhead = readAhead
    self.descriptor = descriptor.rawValue
    var status = stat()
    // Safe: fstat fills a `stat`.
    let isKnown = unsafe fstat(descriptor.rawValue, &status) == 0
    switch isKnown ? status.st_mode & S_IFMT : 0 {
    case S_IFIFO:
      goesByReference = true
      // A pipe is as large as an ordinary user may have it; where it stays small, that only costs time.
      _ = fcntl(descriptor.rawValue, setPipeSize, 1 << 20)
    case S_IFREG, S_IFSOCK: goesByReference = true
    default: goesByReference = false
    }
  }

  /// Writes the bytes `range` of `file`, which lie within it.
  /// - Parameter number: the tree's number for the file; nil where nothing is to be decoded ahead.
  public func write(_ range: Range<UInt64>, of file: any BlockDevice, number: UInt64? = nil) throws(Failure) {
    var position = range.lowerBound
    while position < range.upperBound {
      extents.removeAll()
      do { try file.resolve(position..<range.upperBound, into: &extents) } catch { throw .reading(error) }
      guard extents.length > 0 else { throw .reading(.corrupt("extent map", at: position)) }
      if let number { readAhead?.note(position..<position + extents.length, of: number, file, extents: extents) }
      for extent in extents.extents {
        switch extent.kind {
        case .hole: try writeZeros(extent.length)
        case .host(let host, let offset): try write(extent.length, of: host, at: offset)
        case .encoded(let unit, let skip): try write(extent.length, of: unit, skipping: skip)
        }
        position += extent.length
      }
    }
  }

  /// Writes `bytes`.
  public func write(_ bytes: [UInt8]) throws(Failure) { try put(bytes, bytes.count) }

  private func write(_ length: UInt64, of host: HostFile, at offset: UInt64) throws(Failure) {
    var done: UInt64 = 0
    while done < length && goesByReference && length - done >= Self.leastByReference {
      let (start, overflow) = offset.addingReportingOverflow(done)
      guard !overflow, let start = off_t(exactly: start) else { throw .reading(.truncated("data", at: offset)) }
      var position = start
      let count = Int(clamping: min(length - done, 1 << 30))
      // Safe: the position is a local that the call reads and writes.
      let moved = unsafe sendfile(descriptor, host.descriptor.rawValue, &position, count)
      if moved > 0 {
        done += UInt64(moved)
        self.written += UInt64(moved)
      } else if moved == 0 {
        throw .reading(.truncated("data", at: offset + done))
      } else {
        switch errno {
        case EINTR: continue
        case EAGAIN: try waitUntilWritable()
        // A descriptor that appends, or a filesystem that cannot: as can an error of the image's file, which the copy
        // tells apart from one of the output.
        case EPIPE, ENOSPC, EDQUOT, EFBIG: throw .writing(Errno(rawValue: errno))
        default: goesByReference = false
        }
      }
    }
    if done < length { try copy(length - done, of: host, at: offset + done) }
  }

  private func copy(_ length: UInt64, of device: any BlockDevice, at offset: UInt64) throws(Failure) {
    var done: UInt64 = 0
    while done < length {
      let count = Int(min(length - done, UInt64(Self.bufferSize)))
      let bytes: [UInt8]
      do { bytes = try device.bytes(count, at: offset + done) } catch { throw .reading(error) }
      try put(bytes, count)
      done += UInt64(count)
    }
  }

  private func write(_ length: UInt64, of unit: DecodableUnit, skipping skip: Int) throws(Failure) {
    let decoded: DecodedBytes
    do throws(ReadError) {
      decoded = try unit.decoded()
      _ = try decoded.bytes.slice(skip, count: Int(clamping: length), of: "decoded unit")
    } catch { throw .reading(error) }
    // Safe: the bytes are held by `decoded`, and the part of them is checked above.
    try unsafe put(UnsafeRawBufferPointer(rebasing: decoded.buffer[skip..<skip + Int(clamping: length)]))
    withExtendedLifetime(decoded) {}
  }

  /// Writes so many zeros.
  public func writeZeros(_ length: UInt64) throws(Failure) {
    if buffer.isEmpty { buffer = [UInt8](repeating: 0, count: Self.bufferSize) }
    var left = length
    while left > 0 {
      let count = Int(min(left, UInt64(Self.bufferSize)))
      try put(buffer, count)
      left -= UInt64(count)
    }
  }

  /// Writes the first `count` of `bytes`.
  private func put(_ bytes: [UInt8], _ count: Int) throws(Failure) {
    // Safe: the part lies within the array, which lives through the call.
    try unsafe bytes.rawSpan.withUnsafeBytes { (buffer) throws(Failure) in
      try unsafe put(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
    }
  }

  private func put(_ bytes: UnsafeRawBufferPointer) throws(Failure) {
    var done = 0
    while done < bytes.count {
      // Safe: the call is told what is left of the bytes.
      let written = unsafe Glibc.write(descriptor, bytes.baseAddress.map { unsafe $0 + done }, bytes.count - done)
      if written > 0 {
        done += written
        self.written += UInt64(written)
      } else if errno == EAGAIN {
        try waitUntilWritable()
      } else if errno != EINTR {
        throw .writing(Errno(rawValue: errno))
      }
    }
  }

  /// A descriptor that somebody else has made non-blocking.
  private func waitUntilWritable() throws(Failure) {
    var wanted = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
    // Safe: one structure is given, and said to be one.
    while unsafe poll(&wanted, 1, -1) < 0 {
      guard errno == EINTR else { throw .writing(Errno(rawValue: errno)) }
    }
  }
}

/// F_SETPIPE_SZ of <fcntl.h>, which Glibc's module leaves out.
private let setPipeSize: CInt = 1031
