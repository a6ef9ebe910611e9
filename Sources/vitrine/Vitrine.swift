internal import ArgumentParser
internal import Glibc

@main
struct Vitrine: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "vitrine",
    abstract: "Show what is in a disk image or block device as files, read-only.",
    discussion: """
      Without a command, mounts: "vitrine IMAGE MOUNTPOINT" is "vitrine mount IMAGE MOUNTPOINT", so that \
      mount -t fuse.vitrine and fstab(5) work.
      """,
    version: "0.1.0",
    subcommands: [Mount.self, Umount.self],
    defaultSubcommand: Mount.self)

  static func main() {
    do {
      var command = try parseAsRoot()
      try command.run()
    } catch let failure as Failure {
      Message.write(failure.text)
      Glibc.exit(failure.status)
    } catch {
      guard exitCode(for: error) == .validationFailure else { exit(withError: error) }
      Message.write("\(message(for: error)); see vitrine --help")
      Glibc.exit(ExitStatus.usage.rawValue)
    }
  }
}
