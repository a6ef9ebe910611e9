import Foundation
@testable import Mounting
import TestSupport
import Testing

/// What the tests of mounts for scripts share: a folder with an image in it, the program, and looks at what is there.
struct Contract {
  let folder: TemporaryDirectory
  let image: String

  init(_ fixture: Fixture = Fixture("ext4", "extents")) throws {
    folder = try TemporaryDirectory(prefix: "vitrine-contract")
    image = folder.path + "/own.img"
    try runSuccessfully(["cp", "--sparse=always", fixture.image(), image])
  }

  func path(_ name: String) -> String { folder.path + "/" + name }

  /// Runs a line of sh(1), which finds the program as $V and the image as $I, in the folder.
  @discardableResult
  func sh(_ line: String, environment: [String: String] = [:]) throws -> CommandResult {
    try run(
      ["sh", "-c", line],
      environment: ["V": vitrineBinary, "I": image].merging(environment) { _, new in new }, in: folder.url, timeout: 60)
  }

  /// Mount points below the folder.
  var mounted: [String] {
    let base = (try? MountPoint.resolve(folder.path)) ?? folder.path
    return (MountTable.current()?.entries ?? []).map(\.mountPoint).filter { $0.hasPrefix(base + "/") }
  }

  func exists(_ name: String) -> Bool {
    var status = stat()
    // Safe: a C string, and a stat. A dead mount exists, too.
    return unsafe lstat(path(name), &status) == 0 || errno != ENOENT
  }

  /// Unmounts what is left, so that a failing test leaves nothing behind.
  func cleanUp() {
    for point in mounted { _ = try? run([vitrineBinary, "umount", "--lazy", point]) }
  }

  /// Waits until something holds; false where it does not in time. That is long: where mounts are not shared between
  /// namespaces, a command that another test runs in one of its own keeps what is unmounted here until it ends.
  static func eventually(within seconds: Double = 60, _ holds: () -> Bool) -> Bool {
    let deadline = Date(timeIntervalSinceNow: seconds)
    while Date() < deadline {
      if holds() { return true }
      usleep(5000)
    }
    return holds()
  }

  /// Starts the program, with its output in a pipe.
  func start(
    _ arguments: [String], environment: [String: String] = [:]
  ) throws -> (process: Process, output: FileHandle) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: vitrineBinary)
    process.arguments = arguments
    process.currentDirectoryURL = folder.url
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { _, new in new }
    process.standardInput = FileHandle.nullDevice
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = FileHandle.nullDevice
    try process.run()
    return (process, pipe.fileHandleForReading)
  }
}

/// The other side of sd_notify(3): a socket that datagrams come to.
final class NotifySocket {
  private let descriptor: Int32
  let address: String

  /// - Parameter address: a path, or "@" and a name.
  init(_ address: String) throws {
    self.address = address
    descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var name = Array(address.utf8)
    if name.first == UInt8(ascii: "@") { name[0] = 0 }
    let descriptor = descriptor
    // Safe: the address is valid for as long as the call.
    let bound = unsafe SocketAddress.with(name) { unsafe bind(descriptor, $0, $1) }
    guard descriptor >= 0, bound == 0 else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
    var limit = timeval(tv_sec: 20, tv_usec: 0)
    // Safe: a timeval of its own size.
    unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
  }

  deinit { close(descriptor) }

  /// The assignments of the next datagram; empty where none comes.
  func next() -> [String: String] {
    var bytes = [UInt8](repeating: 0, count: 8192)
    // Safe: recv writes at most the array's size.
    let count = unsafe recv(descriptor, &bytes, bytes.count, 0)
    let lines = String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self).split(separator: "\n")
    return Dictionary(
      lines.map { line in
        let parts = line.split(separator: "=", maxSplits: 1).map(String.init)
        return (parts[0], parts.count > 1 ? parts[1] : "")
      }, uniquingKeysWith: { first, _ in first })
  }
}
