internal import ArgumentParser

@main
struct Vitrine: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "vitrine", abstract: "Show what is in a disk image or block device as files, read-only.",
    subcommands: [Inspect.self])
}
