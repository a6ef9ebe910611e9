internal import BlockDevices
internal import CFuse
internal import Glibc
internal import SystemPackage

/// Tells others that a mount is served, what it shows, and when its server has let go of the image.
///
/// A server listens on an abstract socket named after the mount's device number. Whoever connects is told of the mount
/// (`MountDescription`), and the connection breaks as the server ends, and with it the last use of the image. Nothing
/// can be left behind, and no process number be mistaken for another's.
///
/// A server may outlast its mount, while the kernel gives the device number to the next one. So a mark has a place, too:
/// each is made above those that there are, and whoever asks takes the uppermost, which is the present mount's.
struct ReleaseMark {
  private let descriptor: CInt

  /// For a server; nil where the mark cannot be made, and who unmounts then does not wait.
  init?(for point: MountPoint, describing description: MountDescription) {
    guard let entry = MountTable.current()?.last(at: point.path), let made = Self.listener(for: entry) else {
      return nil
    }
    descriptor = made
    let bytes = description.bytes
    isAnswering = Thread.start { Self.answer(on: made, with: bytes) }
  }

  private let isAnswering: Bool

  /// A socket that listens above all others of the mount's device number.
  private static func listener(for entry: MountTable.Entry) -> CInt? {
    var lowest = 0
    search: for place in (0..<placeCount).reversed() {
      switch asking(for: entry, at: place) {
      case .nobody: continue
      case .server(let connection, _): Glibc.close(connection)
      case .busy: break
      }
      lowest = place + 1
      break search
    }
    let made = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
    guard made >= 0 else { return nil }
    // Somebody else may sit on a name: then the next one does.
    for place in lowest..<placeCount {
      // Safe: the address is valid for as long as the call.
      if unsafe SocketAddress.with(name(of: entry, at: place), { unsafe bind(made, $0, $1) }) == 0 {
        if listen(made, 64) == 0 { return made }
        break
      }
    }
    Glibc.close(made)
    return nil
  }

  /// Lets those go who wait for the release.
  func close() {
    // The thread, where there is one, closes the socket as it ends.
    if isAnswering { shutdown(descriptor, CInt(SHUT_RDWR)) } else { Glibc.close(descriptor) }
  }

  /// Connections that are held open at once; more wait until one of these ends.
  private static let connectionLimit = 64

  /// Tells each who connects of the mount, and holds the connection, until the socket is shut down.
  private static func answer(on listener: CInt, with description: [UInt8]) {
    // The listener is the first.
    var waiting = [pollfd(fd: listener, events: Int16(POLLIN), revents: 0)]
    while true {
      waiting[0].events = waiting.count > connectionLimit ? 0 : Int16(POLLIN)
      // Safe: the array's own size.
      guard unsafe poll(&waiting, nfds_t(waiting.count), -1) > 0 else {
        if errno == EINTR { continue }
        break
      }
      let isShut = waiting[0].revents & Int16(POLLHUP | POLLERR | POLLNVAL) != 0
      if isShut { break }
      let isAsked = waiting[0].revents & Int16(POLLIN) != 0
      for connection in waiting.dropFirst() where connection.revents != 0 { Glibc.close(connection.fd) }
      waiting = [waiting[0]] + waiting.dropFirst().filter { $0.revents == 0 }
      guard isAsked else { continue }
      // Safe: no address is asked for.
      let connection = accept(listener, nil, nil)
      guard connection >= 0 else {
        // Out of descriptors: those who wait will be let go of nevertheless.
        if errno != EINTR && errno != ECONNABORTED { usleep(100_000) }
        continue
      }
      _ = fcntl(connection, F_SETFD, FD_CLOEXEC)
      // What is shown is for who may see it in the mount table anyway. It fits into the socket's buffer, or is dropped.
      unsafe description.withUnsafeBytes {
        // Safe: send reads the array's bytes.
        _ = unsafe send(
          connection, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL) | CInt(MSG_DONTWAIT))
      }
      waiting.append(pollfd(fd: connection, events: Int16(POLLRDHUP), revents: 0))
    }
    for descriptor in waiting { Glibc.close(descriptor.fd) }
  }

  /// For others: nil where no server of the mount's owner or of root listens, or where the mount's own options do not
  /// say whose it is.
  init?(watching entry: MountTable.Entry) {
    for place in (0..<Self.placeCount).reversed() {
      switch Self.asking(for: entry, at: place) {
      case .nobody: continue
      case .server(let connection, let number):
        descriptor = connection
        process = number
        isAnswering = false
        return
      // What listens below it is of mounts that were.
      case .busy: return nil
      }
    }
    return nil
  }

  private enum Answer {
    case nobody
    /// A connection, and the process at its other end.
    case server(CInt, process: Int32)
    /// Somebody listens, and takes no more connections for now.
    case busy
  }

  /// Connects to the mark of a mount at one place.
  private static func asking(for entry: MountTable.Entry, at place: Int) -> Answer {
    let option = entry.superOptions.split(separator: ",").first { $0.hasPrefix("user_id=") }
    guard let owner = option.flatMap({ UInt32($0.dropFirst("user_id=".count)) }) else { return .nobody }
    let made = socket(
      AF_UNIX, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue) | CInt(SOCK_NONBLOCK.rawValue), 0)
    guard made >= 0 else { return .nobody }
    // Safe: the address is valid for as long as the call.
    guard unsafe SocketAddress.with(name(of: entry, at: place), { unsafe connect(made, $0, $1) }) == 0 else {
      let isBusy = errno == EAGAIN
      Glibc.close(made)
      return isBusy ? .busy : .nobody
    }
    var peer = Credentials()
    var size = socklen_t(MemoryLayout<Credentials>.size)
    // Safe: SO_PEERCRED writes three 32-bit numbers, and says so.
    guard unsafe getsockopt(made, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0, peer.user == owner || peer.user == 0
    else {
      Glibc.close(made)
      return .nobody
    }
    return .server(made, process: peer.process)
  }

  /// The server, for who watches it.
  private(set) var process: Int32 = 0

  /// Whether the server has ended within `milliseconds`; -1 waits for as long as it takes.
  func isReleased(within milliseconds: CInt) -> Bool {
    // No event is asked for: that the connection has broken is always told.
    waits(for: 0, milliseconds)
  }

  private func waits(for events: CInt, _ milliseconds: CInt) -> Bool {
    var poll = pollfd(fd: descriptor, events: Int16(events), revents: 0)
    // Safe: one pollfd, a local.
    while true {
      let count = unsafe Glibc.poll(&poll, 1, milliseconds)
      if count >= 0 || errno != EINTR { return count != 0 }
    }
  }

  /// What the server tells of its mount; nil where it tells nothing, or not soon.
  func description() -> MountDescription? {
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 4096)
    while bytes.count < 65536, bytes.count < 2 || bytes.suffix(2).contains(where: { $0 != 0 }) {
      guard waits(for: CInt(POLLIN), 1000) else { return nil }
      // Safe: read writes at most the array's size.
      let count = unsafe read(descriptor, &chunk, chunk.count)
      guard count > 0 else { return nil }
      bytes += chunk.prefix(count)
    }
    return MountDescription(bytes: bytes)
  }

  /// As `struct ucred` of <sys/socket.h>.
  private struct Credentials {
    var process: Int32 = 0
    var user: UInt32 = 0
    var group: UInt32 = 0
  }

  /// Marks that one device number can have at once.
  private static let placeCount = 8

  /// Abstract: a NUL in front.
  private static func name(of entry: MountTable.Entry, at place: Int) -> [UInt8] {
    [0] + Array("vitrine/mount/\(entry.device)\(place == 0 ? "" : "/\(place)")".utf8)
  }
}

/// POLLRDHUP of <poll.h>, which Glibc's module leaves out: the other side has closed.
private let POLLRDHUP: CInt = 0x2000
