import Foundation
import TestSupport

/// A command as the program itself describes it: the truth that manual pages and completions are held to.
struct CommandDescription: Decodable {
  let commandName: String
  let subcommands: [CommandDescription]?
  let arguments: [Argument]?

  struct Argument: Decodable {
    let kind: String
    let shouldDisplay: Bool
    let names: [Name]?
    let valueName: String?
    let abstract: String?
  }

  struct Name: Decodable {
    let kind: String
    let name: String

    /// "-o", "--offset".
    var spelling: String { (kind == "long" ? "--" : "-") + name }
  }

  /// The whole program.
  static let program: Result<CommandDescription, any Error> = Result {
    struct Dump: Decodable { let command: CommandDescription }
    let dump = try runSuccessfully([vitrineBinary, "--experimental-dump-help"]).output
    return try JSONDecoder().decode(Dump.self, from: Data(dump.utf8)).command
  }

  struct NoSuchCommand: Error { let name: String }

  static func named(_ name: String) throws -> CommandDescription {
    let program = try program.get()
    guard let command = program.subcommands?.first(where: { $0.commandName == name }) else {
      throw NoSuchCommand(name: name)
    }
    return command
  }

  /// The spellings of each option and flag that the help shows.
  var options: [Set<String>] {
    (arguments ?? []).filter { $0.kind != "positional" && $0.shouldDisplay }
      .map { Set(($0.names ?? []).map(\.spelling)) }
  }

  var optionsWithValues: Set<String> {
    Set(
      (arguments ?? []).filter { $0.kind == "option" && $0.shouldDisplay }
        .flatMap { ($0.names ?? []).map(\.spelling) })
  }

  static let commands = [
    "mount", "umount", "mounts", "run", "inspect", "ls", "tree", "stat", "find", "cat", "extents", "df", "du",
    "cp", "tar", "manifest", "diff",
  ]

  /// Those that open an image, and so have the options that say how.
  static let readingImages = commands.filter { !["umount", "mounts"].contains($0) }
}
