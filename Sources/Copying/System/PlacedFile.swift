internal import Bytes
internal import Glibc
public import SystemPackage

/// A file that a person has named as the place for what is written, and which is there when all of it has been written.
public final class PlacedFile {
  public let descriptor: FileDescriptor
  /// nil for what is written to as it stands: a FIFO, a device.
  private let file: NewFile?
  private let name: [UInt8]
  private let replaces: Bool

  /// - Parameters:
  ///   - path: symbolic links in it are followed.
  ///   - mask: permissions that the file does not get.
  public init(_ path: [UInt8], mask: UInt16) throws(Errno) {
    switch HostPath.kind(path) {
    case .folder: throw .isDirectory
    case .other:
      // Safe: the path ends in a NUL.
      let opened = try check(unsafe withCString(path) { unsafe open($0, O_WRONLY | O_CLOEXEC) })
      descriptor = FileDescriptor(rawValue: opened)
      file = nil
      name = []
      replaces = false
    case .file, .nothing:
      let real = HostPath.real(path) ?? path
      guard let (folder, last) = Optional(HostPath.split(real)), let last else { throw .isDirectory }
      let made = try HostFolder(opening: folder).makeFile(permissions: 0o666 & ~mask)
      descriptor = FileDescriptor(rawValue: made.descriptor)
      file = made
      name = last
      replaces = HostPath.exists(real)
    }
  }

  deinit { if file == nil { try? descriptor.close() } }

  /// Gives the file its name; what has it is replaced.
  public func place() throws(Errno) {
    guard let file else { return }
    do { try file.place(as: name, replaces: replaces) } catch {
      guard error == .fileExists, !replaces else { throw error }
      try file.place(as: name, replaces: true)
    }
  }
}
