import BlockDevices
import Browsing
import Foundation
import Logging
@testable import Mounting
import Synchronization
import SystemPackage
import TestSupport

/// A session of this process, mounted for the length of a closure.
struct MemoryMount {
  let path: String
  let session: Session

  /// Mounts `tree`, runs `body`, unmounts and waits for the session's end.
  static func with<R>(
    _ tree: Tree, _ list: String = "", _ body: (MemoryMount) throws -> R
  ) throws -> R {
    var options = MountOptions()
    try options.apply(list)
    let folder = try TemporaryDirectory(prefix: "vitrine-memory")
    let point = try MountPoint(checking: folder.path, allowsNonEmpty: false)
    let session = Session(
      showing: tree, at: point, options: options, sourceName: "memory",
      log: Logger(label: "memory") { _ in SwiftLogNoOpLogHandler() })
    try session.mount()
    let ready = DispatchSemaphore(value: 0)
    let ended = DispatchSemaphore(value: 0)
    Foundation.Thread.detachNewThread {
      try? session.serve {
        ready.signal()
        return true
      }
      ended.signal()
    }
    guard ready.wait(timeout: .now() + 30) == .success else { throw CocoaError(.fileReadUnknown) }
    defer {
      try? Unmounter(at: point.path).unmount(isLazy: false) { _ in }
      // Whatever went wrong above, no mount may stay behind.
      if ended.wait(timeout: .now() + 10) != .success {
        try? Unmounter(at: point.path).unmount(isLazy: true) { _ in }
      }
    }
    return try body(MemoryMount(path: point.path, session: session))
  }

  func file(_ name: String) -> String { "\(path)/\(name)" }
}

/// A file open for reading, with the plain system calls: what they answer is what is tested.
final class OpenFile {
  let descriptor: Int32

  init(_ path: String, _ flags: Int32 = O_RDONLY) throws {
    descriptor = unsafe open(path, flags | O_CLOEXEC)
    guard descriptor >= 0 else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
  }

  deinit { close(descriptor) }

  /// What one pread(2) gives: the bytes, or errno.
  func read(_ count: Int, at offset: Int) -> Result<[UInt8], POSIXError> {
    var bytes = [UInt8](repeating: 0xAA, count: count)
    let result = unsafe pread(descriptor, &bytes, count, off_t(offset))
    if result < 0 { return .failure(POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO)) }
    return .success(Array(bytes.prefix(result)))
  }

  /// All of it, in calls of `step` bytes.
  func readAll(step: Int = 1 << 20) throws -> [UInt8] {
    var all: [UInt8] = []
    while true {
      let part = try read(step, at: all.count).get()
      if part.isEmpty { return all }
      all += part
    }
  }

  /// lseek(2): the position, or nil for ENXIO.
  func seek(_ offset: Int, hole: Bool) -> Int? {
    let result = lseek(descriptor, off_t(offset), hole ? 4 : 3)
    return result < 0 ? nil : Int(result)
  }
}

/// A host file of bytes that differ everywhere, and a way to say where a file's bytes lie in it.
struct HostImage {
  let folder: TemporaryDirectory
  let path: String
  let bytes: [UInt8]
  let file: HostFile

  init(size: Int) throws {
    folder = try TemporaryDirectory(prefix: "vitrine-image")
    path = folder.url.appendingPathComponent("image").path
    var state: UInt64 = 0x9E37_79B9_7F4A_7C15
    var bytes: [UInt8] = []
    bytes.reserveCapacity(size + 8)
    while bytes.count < size {
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
      unsafe withUnsafeBytes(of: state) { unsafe bytes.append(contentsOf: $0) }
    }
    bytes.removeLast(bytes.count - size)
    self.bytes = bytes
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    file = try HostFile(opening: .init(path))
  }

  /// The bytes that a file of these extents has.
  func contents(_ extents: [Extent], _ units: [UInt64: [UInt8]] = [:]) -> [UInt8] {
    extents.flatMap { extent -> [UInt8] in
      let length = Int(extent.length)
      return switch extent.kind {
      case .hole, .unwritten: [UInt8](repeating: 0, count: length)
      case .mapped(_, let offset): Array(bytes[Int(offset)..<Int(offset) + length])
      case .encoded(let unit, let skip): Array((units[unit.id] ?? [])[skip..<skip + length])
      }
    }
  }
}
