internal import ArgumentParser
internal import Bytes
internal import Glibc

@main
struct Vitrine: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "vitrine",
    abstract: "Show what is in a disk image or block device as files, read-only.",
    usage: """
      vitrine [mount] <image> <mountpoint> [<options>]
      vitrine <subcommand>
      """,
    discussion: """
      Without a command, mounts: "vitrine IMAGE MOUNTPOINT" is "vitrine mount IMAGE MOUNTPOINT", so that \
      mount -t fuse.vitrine and fstab(5) work.
      """,
    version: "0.1.0",
    subcommands: [
      Mount.self, Umount.self, Mounts.self, Run.self, Inspect.self, Ls.self, TreeCommand.self, Stat.self, Find.self,
      Cat.self, Extents.self, Df.self, Du.self, Cp.self, Tar.self, Manifest.self, Diff.self,
    ],
    defaultSubcommand: Mount.self)

  static func main() {
    HostEnvironment.openStandardFiles()
    var words = RawArguments.encoded
    if let first = words.first, let text = MistypedCommand.message(for: first) {
      Message.write(text)
      Glibc.exit(ExitStatus.usage.rawValue)
    }
    HostEnvironment.allowManyFiles()
    do {
      if words.first == "run" { words = ["run"] + RunWords.arranged(Array(words.dropFirst())) }
      var command = try parseAsRoot(JoinedOptions.split(words))
      try command.run()
    } catch let failure as Failure {
      Message.write(failure.text)
      Glibc.exit(failure.status)
    } catch {
      // Help, a version, or a status whose line has been written already.
      guard !(error is ExitCode), exitCode(for: error) == .validationFailure else { exit(withError: error) }
      let text = message(for: error)
      let command = words.first.flatMap { word in configuration.subcommands.first { $0._commandName == word } }
      let help = "see vitrine \(command.map { $0._commandName + " " } ?? "")--help"
      // A list of words that can be given has a line for each.
      let parts = text.split(separator: "\n  - ")
      let line = [parts.first.map(String.init) ?? "", parts.dropFirst().joined(separator: ", ")].filter { !$0.isEmpty }
        .joined(separator: " ")
      let plain = line.hasSuffix(".") ? String(line.dropLast()) : line
      Message.write("\(OptionHints.message(plain, for: words)); \(help)")
      Glibc.exit(ExitStatus.usage.rawValue)
    }
  }
}
