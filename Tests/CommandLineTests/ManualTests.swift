import DiskImages
import Foundation
import TestSupport
import Testing

/// The manual pages say what the program does, no more and no less.
@Suite struct ManualTests {
  @Test(arguments: CommandDescription.commands)
  func optionsAreThoseOfTheHelp(_ command: String) throws {
    let page = try ManualPage("vitrine-\(command)")
    let described = try CommandDescription.named(command).options
    #expect(!described.isEmpty)
    #expect(Set(page.options) == Set(described), "man/vitrine-\(command).1 against vitrine \(command) --help")
    #expect(page.options.count == described.count)
  }

  @Test(arguments: CommandDescription.commands)
  func synopsisNamesEachOption(_ command: String) throws {
    let page = try ManualPage("vitrine-\(command)")
    let described = try CommandDescription.named(command).options.filter {
      !$0.contains("--help") && !$0.contains("--version")
    }
    for option in described {
      #expect(!page.synopsis.isDisjoint(with: option), "\(option.sorted()) is missing")
    }
    for flag in page.synopsis {
      #expect(described.contains { $0.contains(flag) }, "there is no \(flag)")
    }
  }

  @Test(arguments: CommandDescription.commands)
  func exitStatusesAreAPartOfTheWhole(_ command: String) throws {
    let all = try ManualPage("vitrine").exitStatuses
    let own = try ManualPage("vitrine-\(command)").exitStatuses
    #expect(!own.isEmpty && own == own.sorted() && Set(own).isSubset(of: all))
    #expect(all == all.sorted())
  }

  @Test func eachCommandHasAPageAndEachPageACommand() throws {
    let program = try CommandDescription.program.get()
    let commands = Set((program.subcommands ?? []).map(\.commandName)).subtracting(["help"])
    #expect(commands == Set(CommandDescription.commands))
    let pages = try FileManager.default.contentsOfDirectory(
      atPath: Fixture.package.appendingPathComponent("man").path
    ).filter { $0.hasSuffix(".1") }
    #expect(Set(pages) == Set(commands.map { "vitrine-\($0).1" }).union(["vitrine.1"]))
  }

  /// Each format has its section, and the name by which `--format` takes it.
  @Test func eachFormatIsDescribed() throws {
    let page = try ManualPage("vitrine-image-formats", section: 5)
    let help = try runSuccessfully([vitrineBinary, "inspect", "--help"]).output
    for name in ImageFormat.names {
      #expect(page.lines.contains { $0.hasPrefix(".It Cm ") && $0.split(separator: " ").contains(Substring(name)) })
      #expect(page.lines.contains { $0.hasPrefix(".Ss ") && $0.contains(name) }, "no section for \(name)")
      #expect(help.contains(" \(name)"))
      for page in ["vitrine-inspect", "vitrine-mount"] {
        let lines = try ManualPage(page).lines
        #expect(lines.contains { $0.hasPrefix(".Cm ") && $0.split(separator: " ").contains(Substring(name)) })
      }
    }
  }

  @Test func pagesReferToOneAnother() throws {
    for page in ["vitrine", "vitrine-inspect", "vitrine-mount"] {
      #expect(try ManualPage(page).section("SEE ALSO").contains { $0.hasPrefix(".Xr vitrine-image-formats 5") })
    }
  }

  /// Keys of the JSON, of the schema and of the manual are the same.
  @Test func jsonKeysAreThoseOfTheSchema() throws {
    struct Schema: Decodable {
      struct Definition: Decodable { let properties: [String: Property]? }
      struct Property: Decodable {}
      let properties: [String: Property]
      let definitions: [String: Definition]
      enum CodingKeys: String, CodingKey {
        case properties
        case definitions = "$defs"
      }
    }
    let url = Fixture.package.appendingPathComponent("man/vitrine-inspect.schema.json")
    let schema = try JSONDecoder().decode(Schema.self, from: Data(contentsOf: url))
    let text = try ManualPage("vitrine-inspect").section("JSON").joined(separator: " ")
    let words = Set(text.split { $0 == " " || $0 == "," }.map(String.init))
    let definitions = schema.definitions.values.flatMap { ($0.properties ?? [:]).keys }
    for key in Set(schema.properties.keys).union(definitions) {
      #expect(words.contains(key), "man/vitrine-inspect.1 does not name \(key)")
    }
  }

  /// What the manual says `-o` takes is taken: the command goes on to the image, which does not exist.
  @Test func documentedMountOptionsAreTaken() throws {
    let options = try ManualPage("vitrine-mount").mountOptions
    #expect(options.count > 20)
    let values = [
      "cache": "never", "reply": "copy", "view": "disk", "partition": "1", "uid": "1", "gid": "1", "umask": "022",
      "fmask": "022", "dmask": "022", "offset": "1M", "sizelimit": "1M", "sector_size": "4096", "fsname": "a",
      "subtype": "b", "timeout": "1", "attr_timeout": "1", "entry_timeout": "0.5", "negative_timeout": "0",
      "format": "vhd", "snapshot": "before", "backing_file": "/nonexistent/base",
      "decode_cache": "16M", "decode_threads": "3", "device": "/nonexistent/device",
    ]
    let point = try TemporaryDirectory()
    for option in options {
      // What only root may give is refused to others, for that reason.
      if !Privileges.isRoot && ["allow_other", "allow_root", "dev", "suid"].contains(option) { continue }
      var text = option
      if option.hasSuffix("=") { text += try #require(values[String(option.dropLast())], "a value for \(option)") }
      let result = try run([vitrineBinary, "mount", "/nonexistent/image", point.path, "-o", text])
      #expect(result.status == 66, "-o \(text): \(result.errors)")
    }
  }
}
