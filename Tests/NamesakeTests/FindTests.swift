import Foundation
import TestSupport
import Testing

/// find, compared with that of the system.
@Suite(.serialized, .enabled(if: Privileges.hasKernelDriver, "needs root, loop devices and the kernel's ext4"))
struct FindTests {
  static let expressions = [
    "", "-print", "-print0", "-depth", "-d -print0", "-maxdepth 1", "-mindepth 1 -maxdepth 2", "-maxdepth 0",
    "-type f", "-type d,l", "! -type f", "-not -type d -a -size +1k", "-name '*e*'", "-iname '*E*'", "-name '[a-f]*'",
    "-name '?'", "-name '.*'", "-path './l*'", "-path '*/*/*'", "-ipath '*/D*'", "-lname '*a*'", "-ilname 'L*'",
    "-size 0", "-size +3", "-size -2k", "-size 1M", "-size +4096c", "-size 5w", "-size -1G", "-empty",
    "-empty -type d", "-links 2", "-links +1", "-inum -20", "-inum +15 -inum -30", "-perm 644", "-perm -u+w",
    "-perm /4000", "-perm -222", "-perm /u=x,g=w", "-perm -4755", "-perm u=rw,go=r", "-perm -1000", "-perm /0",
    "-uid 0", "-uid +0", "-gid -100", "-user 0", "-group 0", "-mtime +10", "-mtime -10", "-mtime 0", "-mmin +5",
    "-atime +1", "-ctime -1000", "-daystart -mtime +3", "-newermt 2000-01-01", "-newermt '2023-11-14 22:13:20'",
    "-newermt '2023-11-14T22:13:19.5Z'", "-newermt '2023-11-14 23:13:20.000000001 +01:00'", "-newermt @0",
    "! -newermt @1700000000.5", "-newerat 1970-01-02", "-newerct @1700000000", "-newer ./lost+found",
    "-anewer ./lost+found", "-cnewer ./lost+found",
    "-newermc ./lost+found", "-samefile ./lost+found", "-name 'l*' -prune -o -print",
    "-type d -prune -o -type f -print0",
    "'(' -type f -o -type l ')' -size +0 -print", "-type f , -type d -name 'l*' -print", "-false -o -true",
    "! '(' -name 'a*' -o -name 'b*' ')'", "-type f -quit -o -print", "-printf '%p %s %m %M %n %U %G %i %k %b %d %y\\n'",
    "-printf '%f|%h|%H|%P|%l|%10s|%-8f|%T@|%TY-%Tm-%Td|%TH:%TM:%TS|%t|%T+\\n'", "-printf 'a\\tb\\\\\\101%%\\0\\n'",
    "-xdev -name x -o -maxdepth 1 -name lost+found",
  ]

  @Test(arguments: Images.odd) func equalsThatOfAMount(_ fixture: Fixture) throws {
    guard Privileges.hasFUSE else { return }
    try Images.withFUSE(fixture) { both in
      for expression in Self.expressions {
        try expectSame(both, expression, edit: "cat")
      }
      // Owners have names there.
      try expectSame(both, "-ls", edit: "sed 's/  */ /g; s/ root root / 0 0 /'")
    }
  }

  @Test(arguments: Images.names) func equalsThatOfTheKernelsMount(_ fixture: Fixture) throws {
    try Images.withKernel(fixture) { both in
      for expression in ["-type f -size +0 -print0", "-printf '%p %s %T@ %k %n\\n'", "-newermt 2000-01-01 -empty"] {
        try expectSame(both, expression, edit: expression.contains("print0") ? "sort -z" : "sort")
      }
    }
  }

  private func expectSame(_ both: Namesake, _ expression: String, edit: String) throws {
    let wanted = try Namesake.output(of: "find . \(expression)", in: both.folder, edit: edit)
    let found = try Namesake.output(of: both.ours("find", expression), in: both.folder, edit: edit)
    #expect(wanted == found, "find \(expression)\n\(Namesake.difference(wanted, found))")
  }

  @Test func mistakesAreSaid() throws {
    let image = try Fixture("ext4", "symlinks").image()
    let mistakes: [([String], String)] = [
      (["-exec", "rm", "{}", ";"], "xargs"), (["-delete"], "only read"), (["-fprint", "x"], "output"),
      (["-regex", "x"], "not there"), (["-user", "root"], "number"), (["-type", "x"], "-type takes"),
      (["-size", "1x"], "-size takes"), (["-perm", "9"], "-perm takes"), (["-name"], "needs a value"),
      (["("], "missing"),
      (["(", "-true"], "without"), ([")"], "before"), (["-true", ")"], "without"), (["-o"], "before"),
      (["!"], "missing"),
      (["(", ")"], "nothing between"), (["-mtime", "x"], "takes a number"), (["-newermt", "soon"], "date"),
      (["-nonsense"], "unknown"), (["-maxdepth", "-1"], "levels"), (["-true", "/path"], "before the expression"),
      (["-printf", "%q"], "-printf"), (Array(repeating: "(", count: 300), "parentheses"),
    ]
    for (words, part) in mistakes {
      let result = try run([vitrineBinary, "find", image, "/"] + words)
      #expect(result.status == 64, "\(words): \(result.errors)")
      #expect(result.errors.contains(part), "\(words): \(result.errors)")
      #expect(result.errors.split(separator: "\n").count == 1)
    }
    let missing = try run([vitrineBinary, "find", image, "-newer", "/nowhere"])
    #expect(missing.status == 66 && missing.errors.contains("/nowhere"))
    let operators = (0..<500).flatMap { _ in ["!", "-false", "-a"] } + ["-true"]
    #expect(try run([vitrineBinary, "find", image, "/", "-maxdepth", "0"] + operators).output == "/\n")
  }
}
