public import Bytes
internal import Glibc
internal import Synchronization
public import SystemPackage

/// A file or block device of the host, open read-only: the leaf of every stack.
public final class HostFile: BlockDevice {
  public enum Kind: Sendable { case regularFile, blockDevice }

  /// Open for as long as this object lives; reads always give an offset, so that its position is shared by nobody.
  public let descriptor: FileDescriptor
  public let path: FilePath
  public let kind: Kind
  public let size: UInt64
  /// Bytes that the file occupies on the host, or the size of a block device.
  public let allocatedSize: UInt64
  /// When the contents were last changed, in seconds since 1970.
  public let modificationTime: Int64
  /// Bytes of a block device's logical sector; 512 for a file, which has none.
  public let sectorSize: Int

  /// What file it is, whatever its name: for block devices, which one.
  public let identity: Identity

  public struct Identity: Hashable, Sendable {
    public let device: UInt64
    public let inode: UInt64
  }

  /// Opens `path` read-only.
  /// - Parameter name: what the file is called in messages; nil for `path` itself.
  /// - Throws: what open(2) and fstat(2) say; `.isDirectory` for a folder, `.notSupported` for what is neither a
  ///   file nor a block device.
  public init(opening path: FilePath, as name: FilePath? = nil) throws(Errno) {
    // O_NONBLOCK: opening a FIFO must not wait for a writer. It means nothing for files and block devices.
    let descriptor = try Self.rethrowing {
      try FileDescriptor.open(path, .readOnly, options: [.closeOnExec, .nonBlocking])
    }
    do {
      let facts = try Facts(of: descriptor)
      self.kind = facts.kind
      self.size = facts.size
      self.allocatedSize = facts.allocatedSize
      self.modificationTime = facts.modificationTime
      self.sectorSize = facts.sectorSize
      self.identity = facts.identity
    } catch {
      try? descriptor.close()
      throw error
    }
    self.descriptor = descriptor
    self.path = name ?? path
  }

  deinit { try? descriptor.close() }

  public func read(_ count: Int, at offset: UInt64, into out: inout OutputRawSpan) throws(ReadError) {
    guard contains(UInt64(count), at: offset) else { throw .truncated("data", at: offset) }
    precondition(count <= out.freeCapacity)
    let descriptor = descriptor.rawValue
    // Safe: pread writes at most `count - done` bytes, and that much room is checked above.
    try unsafe out.withUnsafeMutableBytes { (buffer, initialized) throws(ReadError) in
      var done = 0
      while done < count {
        let room = unsafe buffer.baseAddress! + initialized
        let result = unsafe pread(descriptor, room, count - done, off_t(offset) + off_t(done))
        IOStatistics.hostReads.wrappingAdd(1, ordering: .relaxed)
        if result > 0 {
          IOStatistics.hostBytes.wrappingAdd(UInt64(result), ordering: .relaxed)
          done += result
          initialized += result
        } else if result == 0 {
          // The file was longer when it was opened: it has shrunk, or the device has gone.
          throw .truncated("data", at: offset + UInt64(done))
        } else if errno != EINTR {
          throw .io(Errno(rawValue: errno), "data", at: offset + UInt64(done))
        }
      }
    }
  }

  public func resolve(_ range: Range<UInt64>, into extents: inout HostExtentList) throws(ReadError) {
    guard range.upperBound <= size else { throw .truncated("data", at: range.upperBound) }
    guard extents.findsHostHoles, kind == .regularFile else {
      extents.append(.host(self, offset: range.lowerBound), length: range.upperBound - range.lowerBound)
      return
    }
    var position = range.lowerBound
    while position < range.upperBound && !extents.isFull {
      let data = min(seek(position, seekData) ?? range.upperBound, range.upperBound)
      extents.append(.hole, length: data - position)
      let hole: UInt64 = data < range.upperBound ? seek(data, seekHole) ?? range.upperBound : data
      let end = min(max(hole, data), range.upperBound)
      extents.append(.host(self, offset: data), length: end - data)
      // A file being punched as it is read could answer without advancing.
      guard end > position else {
        extents.append(.host(self, offset: position), length: range.upperBound - position)
        return
      }
      position = end
    }
  }

  /// What lseek(2) answers, or nil where there is nothing more of the kind; a filesystem without holes says that
  /// all is data. Moves the descriptor's position, which nothing here relies on.
  private func seek(_ offset: UInt64, _ whence: Int32) -> UInt64? {
    let result = lseek(descriptor.rawValue, off_t(offset), whence)
    if result >= 0 { return UInt64(result) }
    return errno == ENXIO ? nil : (whence == seekData ? offset : nil)
  }

  private static func rethrowing<R>(_ body: () throws -> R) throws(Errno) -> R {
    do { return try body() } catch { throw error as? Errno ?? .ioError }
  }
}

extension HostFile {
  private struct Facts {
    let kind: Kind
    let size: UInt64
    let allocatedSize: UInt64
    let modificationTime: Int64
    let sectorSize: Int
    let identity: Identity

    init(of descriptor: FileDescriptor) throws(Errno) {
      var status = stat()
      // Safe, here and below: the calls fill in variables of the types that they are documented to fill in.
      guard unsafe fstat(descriptor.rawValue, &status) == 0 else { throw Errno(rawValue: errno) }
      identity = Identity(device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
      modificationTime = Int64(status.st_mtim.tv_sec)
      switch status.st_mode & S_IFMT {
      case S_IFREG:
        kind = .regularFile
        size = UInt64(status.st_size)
        allocatedSize = UInt64(status.st_blocks) * 512
        sectorSize = 512
      case S_IFBLK:
        kind = .blockDevice
        var bytes: UInt64 = 0
        guard unsafe ioctl(descriptor.rawValue, blockDeviceSizeRequest, &bytes) == 0 else {
          throw Errno(rawValue: errno)
        }
        var sector: Int32 = 0
        guard unsafe ioctl(descriptor.rawValue, sectorSizeRequest, &sector) == 0 else { throw Errno(rawValue: errno) }
        size = bytes
        allocatedSize = bytes
        sectorSize = Int(sector)
      case S_IFDIR: throw .isDirectory
      default: throw .notSupported
      }
    }
  }
}

/// SEEK_DATA and SEEK_HOLE of lseek(2), which Glibc's module leaves out.
private let seekData: Int32 = 3
private let seekHole: Int32 = 4

/// BLKGETSIZE64 and BLKSSZGET of <linux/fs.h>, which are macros that the importer does not see.
private let blockDeviceSizeRequest: UInt = 0x8008_1272
private let sectorSizeRequest: UInt = 0x1268
