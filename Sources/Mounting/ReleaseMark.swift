internal import CFuse
internal import Glibc
internal import SystemPackage

/// Tells others when a server has let go of its image.
///
/// A server listens on an abstract socket named after the mount's device number, and never answers. Who unmounts
/// connects to it first: the connection breaks as the server ends, and with it the last use of the image. Nothing can
/// be left behind, and no process number be mistaken for another's.
struct ReleaseMark {
  private let descriptor: CInt

  /// For a server; nil where the mark cannot be made, and who unmounts then does not wait.
  init?(for point: MountPoint) {
    guard let device = MountTable.current()?.last(at: point.path)?.device else { return nil }
    let made = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
    guard made >= 0 else { return nil }
    // Safe: the address is valid for as long as the call.
    guard unsafe Self.withAddress(device, { unsafe bind(made, $0, $1) }) == 0, listen(made, 16) == 0 else {
      Glibc.close(made)
      return nil
    }
    descriptor = made
  }

  func close() { Glibc.close(descriptor) }

  /// For who unmounts: nil where no server of `owner` or root listens.
  init?(watching device: String, owner: UInt32) {
    let made = socket(
      AF_UNIX, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue) | CInt(SOCK_NONBLOCK.rawValue), 0)
    guard made >= 0 else { return nil }
    var peer = Credentials()
    var size = socklen_t(MemoryLayout<Credentials>.size)
    // Safe: as above.
    guard unsafe Self.withAddress(device, { unsafe connect(made, $0, $1) }) == 0,
      // Safe: SO_PEERCRED writes three 32-bit numbers, and says so.
      unsafe getsockopt(made, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0, peer.user == owner || peer.user == 0
    else {
      Glibc.close(made)
      return nil
    }
    descriptor = made
  }

  /// Whether the server has ended within `milliseconds`; -1 waits for as long as it takes.
  func isReleased(within milliseconds: CInt) -> Bool {
    var poll = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    // Safe: one pollfd, a local.
    while true {
      let count = unsafe Glibc.poll(&poll, 1, milliseconds)
      if count >= 0 || errno != EINTR { return count != 0 }
    }
  }

  /// As `struct ucred` of <sys/socket.h>.
  private struct Credentials {
    var process: Int32 = 0
    var user: UInt32 = 0
    var group: UInt32 = 0
  }

  private static func withAddress(_ device: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> CInt) -> CInt {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    // Abstract: a NUL in front.
    let name: [UInt8] = [0] + Array("vitrine/mount/\(device)".utf8)
    // Safe: the name is shorter than the path's 108 bytes, and the length says how much of it counts.
    return unsafe withUnsafeMutableBytes(of: &address) { bytes in
      let start = MemoryLayout.offset(of: \sockaddr_un.sun_path) ?? 2
      for (index, byte) in name.enumerated() where start + index < bytes.count { unsafe bytes[start + index] = byte }
      guard let base = bytes.baseAddress else { return -1 }
      return unsafe body(base.assumingMemoryBound(to: sockaddr.self), socklen_t(start + name.count))
    }
  }
}
