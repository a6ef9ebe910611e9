import Foundation
import TestSupport
import Testing

/// ls, tree and stat, compared with those of the system.
@Suite(.serialized, .enabled(if: Privileges.hasKernelDriver, "needs root, loop devices and the kernel's ext4"))
struct ListingTests {
  @Test(arguments: Images.names) func lsEqualsTheKernels(_ fixture: Fixture) throws {
    try Images.withKernel(fixture) { both in
      for options in [
        "-lRA", "-Rlih", "-1RiA", "-RSA", "-Rtr", "-C", "-CiA", "-ldn --full-time", "-lRA --full-time",
      ] {
        // -n makes a listing long by itself.
        let isLong = options.contains("l")
        try both.expectSame("ls", options, namesakeOptions: isLong ? "-n" : "")
      }
      try both.expectSame("ls", "-d", "lost+found .")
      for options in ["-a", "", "-L 2", "-d"] { try both.expectSame("tree", options) }
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
