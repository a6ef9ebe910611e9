internal import ArgumentParser
internal import Bytes
internal import SystemPackage

/// Standard output, gathered into few writes.
final class Output {
  private var bytes: [UInt8] = []
  private let limit: Int
  let isTerminal = HostEnvironment.standardOutputIsTerminal

  init() {
    // A person who looks on wants to see something soon.
    limit = isTerminal ? 4 << 10 : 64 << 10
    bytes.reserveCapacity(limit + (8 << 10))
  }

  func write(_ text: String) throws { try write(text.utf8) }

  func write(_ more: some Collection<UInt8>) throws {
    bytes.append(contentsOf: more)
    if bytes.count >= limit { try flush() }
  }

  func write(_ byte: UInt8) throws { bytes.append(byte) }

  func newline() throws { try write(CollectionOfOne(UInt8(ascii: "\n"))) }

  /// Writes what has been gathered. To be called at the end, and before anything goes to standard error.
  func flush() throws {
    guard !bytes.isEmpty else { return }
    do {
      _ = try FileDescriptor.standardOutput.writeAll(bytes)
    } catch { throw Self.failure(error as? Errno ?? .ioError) }
    bytes.removeAll(keepingCapacity: true)
  }

  /// What ends a command whose output cannot be written. Whoever has closed the other end of a pipe has seen enough, and
  /// is told nothing.
  static func failure(_ error: Errno) -> any Error {
    if error == .brokenPipe { return ExitCode(ExitStatus.io.rawValue) }
    return Failure("cannot write the output: \(error)", .io)
  }
}

/// What goes wrong with single files: said at once, while the command goes on, and remembered for the exit status.
final class Problems {
  private let image: String
  private let output: Output
  private(set) var status = ExitStatus.success
  private var lastPath: [UInt8] = []

  init(_ image: BrowsedImage, _ output: Output) {
    self.image = image.name
    self.output = output
  }

  /// Says what is wrong with what `path` names.
  func report(_ error: ReadError, at path: some Collection<UInt8>) throws {
    try report(error.plainText, at: path, ExitStatus(ofPath: error))
  }

  /// The same, where it was said of this path just before.
  func reportOnce(_ error: ReadError, at path: [UInt8]) throws {
    guard lastPath != path else { return }
    try report(error, at: path)
  }

  func report(_ text: String, at path: some Collection<UInt8>, _ status: ExitStatus) throws {
    lastPath = Array(path)
    try output.flush()
    Message.write("\(image): \(Escaped.text(Array(path))): \(text)")
    if status.gravity > self.status.gravity { self.status = status }
  }

  /// Ends the command: with what is left of the output, and a status that tells of the worst problem.
  func finish() throws {
    try output.flush()
    if status != .success { throw ExitCode(status.rawValue) }
  }
}

extension ExitStatus {
  /// A path that leads nowhere is like an image that is not there.
  init(ofPath error: ReadError) {
    self = error.isAboutPath ? .cannotOpen : ExitStatus(error)
  }

  var gravity: Int {
    switch self {
    case .success: 0
    case .cannotOpen: 1
    case .notSupported: 2
    case .data: 3
    default: 4
    }
  }
}

extension ReadError {
  /// Whether it says something of the path that was asked for, and not of the image.
  fileprivate var isAboutPath: Bool {
    guard case .io(let errno) = cause else { return false }
    return [
      .noSuchFileOrDirectory, .notDirectory, .isDirectory, .tooManySymbolicLinkLevels, .invalidArgument,
      .fileNameTooLong,
    ].contains(errno)
  }

  /// For a message about one file: what Linux says of a path that leads nowhere, and the place of what is damaged.
  var plainText: String {
    guard isAboutPath, case .io(let errno) = cause else { return description }
    return "\(errno)"
  }
}
