internal import ArgumentParser
internal import Mounting

struct Umount: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Unmount, and return when the image is released.",
    discussion: """
      A mount whose server has died is taken away too. Where something uses the mount, says what, and leaves it.
      """,
    aliases: ["unmount"])

  @Argument(help: "Where the image is mounted.", completion: .directory)
  var mountpoint: String

  @Flag(name: .shortAndLong, help: "Take the mount away even if it is in use, and do not wait for the last use to end.")
  var lazy = false

  func run() throws {
    do {
      try Unmounter(at: mountpoint).unmount(isLazy: lazy) { Message.write("\(mountpoint): \($0)") }
    } catch {
      switch error.kind {
      case .notPermitted: throw Failure(error.text, .notPermitted)
      case .notMounted: throw Failure(error.text, .usage)
      case .mountPoint: throw Failure(error.text, .cannotOpen)
      case .busy, .system: throw Failure(error.text, .mountFailed)
      }
    }
  }
}
