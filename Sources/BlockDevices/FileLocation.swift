internal import Glibc
public import SystemPackage

/// Where a path leads to, found without opening what is there: with all symbolic links followed, and fixed from then on.
public struct FileLocation: ~Copyable {
  private let descriptor: FileDescriptor
  /// Absolute, without symbolic links.
  public let realPath: FilePath

  /// - Throws: what open(2) says of the path.
  public init(_ path: FilePath) throws(Errno) {
    let opened: FileDescriptor
    do {
      opened = try FileDescriptor.open(
        path, FileDescriptor.AccessMode(rawValue: O_RDONLY | pathOnly), options: [.closeOnExec])
    } catch { throw error as? Errno ?? .ioError }
    let target: FilePath
    do {
      target = try Self.target(of: "/proc/self/fd/\(opened.rawValue)")
    } catch {
      try? opened.close()
      throw error
    }
    descriptor = opened
    realPath = target
  }

  deinit { try? descriptor.close() }

  /// Opens what is there, whatever the path may lead to by now.
  /// - Parameter path: what the file is to be called.
  public func open(as path: FilePath) throws(Errno) -> HostFile {
    try HostFile(opening: FilePath("/proc/self/fd/\(descriptor.rawValue)"), as: path)
  }

  private static func target(of link: String) throws(Errno) -> FilePath {
    var buffer = [CChar](repeating: 0, count: 4097)
    // Safe: readlink writes at most 4096 bytes, so that a zero stays behind them.
    let length = unsafe readlink(link, &buffer, 4096)
    guard length > 0 else { throw Errno(rawValue: errno) }
    guard length < 4096 else { throw .fileNameTooLong }
    return FilePath(platformString: buffer)
  }
}

/// O_PATH of open(2), which Glibc's module leaves out.
private let pathOnly: CInt = 0o10_000_000
