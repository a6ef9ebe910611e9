internal import ArgumentParser
internal import Mounting

struct Umount: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Unmount, and return when the image is released.",
    discussion: """
      A mount whose server has died is taken away too. Where something uses the mount, says what, and leaves it.
      """,
    aliases: ["unmount"])

  @Argument(help: "Where the image is mounted; or the image, where it is mounted once.", completion: .file())
  var mountpoint: [String]

  @Flag(name: .shortAndLong, help: "Take the mount away even if it is in use, and do not wait for the last use to end.")
  var lazy = false

  @Flag(name: .shortAndLong, help: "Do not say that something is not mounted, or what is being waited for.")
  var quiet = false

  func run() throws {
    var failures: [ExitStatus] = []
    for path in mountpoint {
      do {
        try Unmounter(at: path).unmount(isLazy: lazy) { if !quiet { Message.write("\(path): \($0)") } }
      } catch {
        if !quiet || error.kind != .notMounted { Message.write(error.text) }
        failures.append(status(of: error))
      }
    }
    // The others are unmounted nevertheless.
    if let first = failures.first { throw ExitCode(first.rawValue) }
  }

  private func status(of error: MountError) -> ExitStatus {
    switch error.kind {
    case .notPermitted: .notPermitted
    case .notMounted: .usage
    case .mountPoint: .cannotOpen
    case .busy, .system: .mountFailed
    }
  }
}
