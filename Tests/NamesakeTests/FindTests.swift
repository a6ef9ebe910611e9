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

  /// What has little to do with what an image holds.
  static let moreExpressions = [
    "-regex '\\./[a-z]+'", "-regex '\\./.?l.*'", "-iregex '.*/L.*'", "! -regex '.*[0-9]'",
    "-regextype posix-extended -regex '.*/(f|l)[a-z]{2,}.*'", "-regextype grep -regex '.*[[:digit:]]\\{1\\}'",
    "-regextype emacs -regex '.*\\(a\\|e\\).*'", "-regextype awk -regex '.*[[:upper:]].*'",
    "-regextype sed -regex '.*\\(l\\).*'",
    "-user root", "-group root", "-nouser", "-nogroup", "! -nouser -name 'a*'",
    "-mtime -0.5", "-mtime +0.5", "-mmin -1.5", "-mmin +2.5", "-newermt '3 days ago'",
    "-newermt '1 month ago'", "-newermt yesterday", "! -newermt 'next week'", "-newermt 'Nov 14, 2023 22:13'",
    "-newermt '14 November 2023'", "-newermt 20231114", "-newermt '20231114 22:13:20'", "-newermt '2 hours ago'",
    "-newermt '2000-01-31 1 month'", "-newermt '-3 years'", "-printf '%p %S\\n'",
    "-printf '%TA %TB %Tc %TC %TD %Te %Tg %TG %Th %Tj %Tk %Tl %Tn %Tp %TP %Tr %TR %Ts %Tt %Tu %TU\\n'",
    "-printf '%TV %Tw %TW %Tx %TX %TZ %Tz\\n'",
    "-printf '%AI %CF %Ab\\n'",
  ]

  @Test(arguments: Images.odd) func equalsThatOfAMount(_ fixture: Fixture) throws {
    guard Privileges.hasFUSE else { return }
    try Images.withFUSE(fixture) { both in
      let isOdd = ["special-files", "times"].contains(fixture.name)
      for expression in Self.expressions + (isOdd ? Self.moreExpressions : []) {
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

  /// What access(2) says differs between mounts, so this is told of what a mount by root would say; and where minutes
  /// and days begin and end is too near to be seen on fixtures.
  @Test func rightsAndAgesAreThoseOfAMount() throws {
    let scratch = try TemporaryDirectory(prefix: "vitrine-find")
    try runSuccessfully(
      [
        "sh", "-c",
        """
        mkdir tree && cd tree && touch plain && touch run && chmod 0100 run && touch none && chmod 0 none && mkfifo fifo &&
        mkdir -m 0700 dir && ln -s run to-run && ln -s nowhere dangling && ln -s loop loop && mknod null c 1 3 &&
        for age in 29 31 59 61 89 91 301 359 361 43300 86500 129700 172900; do touch -d "$age seconds ago" "age$age"; done
        cd .. && truncate -s 8M find.img && mke2fs -q -t ext4 -d tree find.img
        """,
      ], in: scratch.url)
    let image = scratch.path + "/find.img"
    try withKernelMount(of: image) { folder in
      let both = Namesake(image: image, folder: folder)
      var expressions = [
        "-readable", "-writable", "-executable", "! -readable", "-xtype l", "-xtype f", "-xtype d,p",
        "! -xtype f -type l", "-fstype ext4 -printf '%p %F %Y\\n'",
      ]
      for number in ["0", "1", "2", "6", "1.5", "-1", "+1", "-1.5", "+1.5", "+5", "-6", "+0"] {
        expressions += ["-mmin \(number)", "-daystart -mmin \(number)"]
      }
      for number in ["0", "1", "2", "-1", "+1", "+0", "-0.5", "+0.5", "0.5", "1.5"] {
        expressions += ["-mtime \(number)", "-daystart -mtime \(number)"]
      }
      for expression in expressions { try expectSame(both, expression, edit: "sort") }
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
      (["-regex", "x["], "-regex x["), (["-regextype", "perl"], "posix-extended"), (["-L"], "before the image"),
      (["-user", "no-such-user"], "number"), (["-user", "+5"], "number"), (["-mmin", "1x"], "takes a number"),
      (["-newermt", "3 days hence"], "date"), (["-newermt", ""], "date"),
      (["-type", "x"], "-type takes"), (["-xtype", "x"], "-xtype takes"),
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
