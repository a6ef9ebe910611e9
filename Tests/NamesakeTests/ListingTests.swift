import Foundation
import TestSupport
import Testing

/// ls, tree and stat, compared with those of the system.
@Suite(.serialized, .enabled(if: Privileges.hasKernelDriver, "needs root, loop devices and the kernel's ext4"))
struct ListingTests {
  private static let lsOptions = [
    "-lRA", "-Rlih", "-1RiA", "-RSA", "-Rtr", "-C", "-CiA", "-ldn --full-time", "-lRA --full-time",
  ]
  private static let moreLsOptions = [
    "-RF", "-lARF", "-CFs", "-R --file-type", "-lis", "-Rs", "-1sh", "-ls --si", "-lRg", "-lG", "-gG", "-lu", "-lcr",
    "-u",
    "-c", "-lut", "-ct", "-l --time-style=long-iso", "-l --time-style=iso", "-l --time-style=full-iso",
    "-l --time-style=+%s.%N@%a,%e.%b%%",
  ]
  private static let moreTreeOptions = [
    "-f", "-if", "-afi", "-I 'a*|l*'", "-P '*e*'", "-aP 'l*|*[0-9]' --noreport", "-dL 1",
  ]

  @Test(arguments: Images.names) func lsEqualsTheKernels(_ fixture: Fixture) throws {
    try Images.withKernel(fixture) { both in
      // The rest has little to do with what an image holds.
      let isOdd = ["special-files", "names"].contains(fixture.name)
      for options in Self.lsOptions + (isOdd ? Self.moreLsOptions : []) {
        // -n makes a listing long by itself.
        let isLong = options.split(separator: " ").contains {
          $0 == "--full-time" || (!$0.hasPrefix("--") && $0.contains { "lg".contains($0) })
        }
        try both.expectSame("ls", options, namesakeOptions: isLong ? "-n" : "")
      }
      try both.expectSame("ls", "-d", "lost+found .")
      for options in ["-a", "", "-L 2", "-d"] + (isOdd ? Self.moreTreeOptions : []) {
        try both.expectSame("tree", options)
      }
    }
  }

  /// A link to a folder counts as one, wherever it leads within the image.
  @Test func treesOfFoldersHaveLinksToThem() throws {
    let scratch = try TemporaryDirectory(prefix: "vitrine-tree")
    try runSuccessfully(
      [
        "sh", "-c",
        """
        mkdir -p tree/a/b/c tree/d && cd tree && ln -s ../d a/to-d && ln -s b/c a/to-c && ln -s nowhere a/none && touch a/f &&
        ln -s f a/to-f && ln -s . a/b/self && cd .. && truncate -s 4M tree.img && mke2fs -q -t ext4 -d tree tree.img
        """,
      ], in: scratch.url)
    let image = scratch.path + "/tree.img"
    try withKernelMount(of: image) { folder in
      for options in ["-d", "", "-df", "-dL 2"] {
        try Namesake(image: image, folder: folder).expectSame("tree", options)
      }
    }
  }

  @Test(arguments: Images.names) func lsEqualsThatOfAMount(_ fixture: Fixture) throws {
    guard Privileges.hasFUSE else { return }
    try Images.withFUSE(fixture) { both in
      // The order in which they lie in the folder, which is another in the kernel's mount.
      try both.expectSame("ls", "-RUA")
      try both.expectSame("ls", "-lRA", namesakeOptions: "-n")
      try both.expectSame("ls", "-laiR", "lost+found", namesakeOptions: "-n")
    }
  }

  @Test(arguments: Images.names) func statEqualsTheKernels(_ fixture: Fixture) throws {
    try Images.withKernel(fixture) { both in
      let format = "%a %A %b %B %f %F %g %h %i %n %N %o %s %t %T %u %w %W %x %X %y %Y %z %Z %.3Y %10s|%-10s|%05i|%#a|%%"
      // Names that are no options, and links that do not lead out of the image.
      let names = "[a-z0-9A-Z]* lost+found/."
      try both.expectSame("stat", "-c '\(format)'", names)
      // Of the device that a file is on, there is nothing to tell.
      try both.expectSame("stat", "-t", names, edit: #"sed -E 's/ [^ ]+(( [^ ]+){9})$/\1/'"#)
      try both.expectSame("stat", "--printf '%n\\t%s\\x41\\101\\n'", names)
      // Names of owners are numbers here, and there is no device that a file is on.
      let edit = #"sed 's/^Device: [^\t]*\t//; s/\([UG]id\): ( *\([0-9]*\)\/[^)]*)/\1 \2/g'"#
      try both.expectSame("stat", "", names, edit: edit)
      if fixture.name != "symlinks" { try both.expectSame("stat", "-L -c '%n %s %F'", names) }
    }
  }

  @Test func quotesOnATerminalAsLsDoes() throws {
    for (fixture, locale) in [("names", "C.UTF-8"), ("names", "C"), ("symlinks", "C.UTF-8"), ("special-files", "C")] {
      try Images.withKernel(Fixture("ext4", fixture)) { both in
        for options in ["-1A", "-A", "-AC", "-lA"] {
          let namesake = "ls --color=never \(options.contains("l") ? "-n" : "") \(options)"
          let wanted = try Self.onTerminal(namesake, in: both.folder, locale: locale)
          let ours = "'\(vitrineBinary)' ls --color never \(options) '\(both.image)'"
          let found = try Self.onTerminal(ours, in: both.folder, locale: locale)
          #expect(wanted == found, "ls \(options) \(locale)\n\(Namesake.difference(wanted, found))")
          #expect(!found.contains("\u{1B}"))
        }
      }
    }
  }

  @Test func coloursAsLsDoes() throws {
    try Images.withKernel(Fixture("ext4", "special-files")) { both in
      let wanted = try Self.onTerminal("ls -1A --color=always", in: both.folder, locale: "C")
      let found = try Self.onTerminal(
        "'\(vitrineBinary)' ls -1A --color=always '\(both.image)'", in: both.folder, locale: "C")
      #expect(wanted == found, "\(Namesake.difference(wanted, found))")
      #expect(found.contains("\u{1B}["))
    }
  }

  /// What a command prints on a terminal of 100 columns.
  private static func onTerminal(_ command: String, in folder: String, locale: String) throws -> String {
    let scratch = try TemporaryDirectory()
    let script = scratch.path + "/script"
    try "stty cols 100; cd '\(folder)'; \(command)\n".write(toFile: script, atomically: true, encoding: .utf8)
    return try run(
      ["script", "-qec", "sh \(script)", "/dev/null"],
      environment: ["LC_ALL": locale, "TERM": "xterm", "LS_COLORS": "", "TZ": "UTC", "COLUMNS": "100"]
    ).output
  }
}
