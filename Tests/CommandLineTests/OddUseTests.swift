import Foundation
import TestSupport
import Testing

/// Command lines and surroundings that nobody had in mind.
@Suite struct OddUseTests {
  private func sh(_ line: String, environment: [String: String] = [:]) throws -> CommandResult {
    let image = try Fixture("ext4", "symlinks").image()
    return try run(
      ["bash", "-c", line, "bash", vitrineBinary, image], environment: ["LC_ALL": "C"].merging(environment) { $1 },
      timeout: 60)
  }

  private static let printing = [
    "ls -lR", "tree", "find", "du -a", "df", "manifest", "tar", "ls --json", "df --json",
  ]

  /// What cannot be written is no success: on a full disk, and where there is no output at all.
  @Test(arguments: printing) func lostOutputIsAFailure(_ command: String) throws {
    for (output, text) in [("> /dev/full", "No space left"), (">&-", "Bad file descriptor")] {
      let result = try sh("\"$1\" \(command) \"$2\" \(output)")
      #expect(result.status == 74 && result.errors.contains("cannot write the output: \(text)"), "\(output): \(result)")
      #expect(result.errors.split(separator: "\n").count == 1)
    }
    // Whoever has seen enough is told nothing.
    let closed = try sh("\"$1\" \(command) \"$2\" | true; exit ${PIPESTATUS[0]}")
    #expect([0, 74, 141].contains(closed.status) && closed.errors.isEmpty, "\(closed)")
  }

  /// The copy itself is made.
  @Test func lostReportsOfACopyAreAFailure() throws {
    let scratch = try TemporaryDirectory()
    let result = try sh("\"$1\" cp -rv \"$2:/\" '\(scratch.path)/copy' > /dev/full")
    #expect(result.status == 74 && result.errors.split(separator: "\n").count == 1, "\(result)")
    #expect(FileManager.default.fileExists(atPath: scratch.path + "/copy/lost+found"))
    let silent = try sh("\"$1\" cp -r \"$2:/\" '\(scratch.path)/other' >&- 2>&-")
    #expect(silent.status == 0)
  }

  @Test func anImageIsNoPipe() throws {
    for (line, text) in [
      ("\"$1\" ls - < \"$2\"", "cannot be read from a pipe"), ("cat \"$2\" | \"$1\" ls /dev/stdin", "neither a file"),
    ] {
      let result = try sh(line)
      #expect(result.status != 0 && result.output.isEmpty && result.errors.contains(text), "\(result)")
    }
  }

  /// As with GNU, where only "=" gives them a value.
  @Test func optionsMayStandWithoutTheirValue() throws {
    for command in ["ls", "tree", "inspect"] {
      let lonely = try sh("\"$1\" \(command) --color \"$2\"")
      #expect(
        try lonely.output == sh("\"$1\" \(command) --color=always \"$2\"").output && lonely.succeeded, "\(lonely)")
      #expect(try sh("\"$1\" \(command) --color never \"$2\"").output.contains("\u{1B}") == false)
    }
    #expect(try sh("\"$1\" df --output \"$2\" | head -n 1 | wc -w").output == "13\n")
    for list in ["", "size,size", "size,", "sizes", "size -i", "size -T", "size -P"] {
      let result = try sh("\"$1\" df --output=\(list) \"$2\"")
      #expect(result.status == 64 && result.output.isEmpty, "\(list): \(result)")
    }
  }

  @Test func doubleDashesEndOptions() throws {
    for line in ["ls -- \"$2\" lost+found -- ", "ls -d -- \"$2\" lost+found", "find -- \"$2\" -name lost+found"] {
      let result = try sh("\"$1\" \(line)")
      #expect(result.succeeded || result.errors.contains(": --: No such file"), "\(line): \(result)")
    }
    #expect(try sh("\"$1\" find -- \"$2\" -name lost+found").output == "/lost+found\n")
  }

  @Test func dfOfNothingPrintsNothing() throws {
    let result = try sh("\"$1\" df \"$2\" /nowhere")
    #expect(result.status == 66 && result.output.isEmpty, "\(result)")
  }

  /// A width that is none is that of a terminal, and 0 no end.
  @Test func columnsOfTheEnvironment() throws {
    let usual = try sh("\"$1\" ls -C \"$2\"", environment: ["COLUMNS": "80"]).output
    for width in ["-5", "99999999999999999999", "many", ""] {
      #expect(try sh("\"$1\" ls -C \"$2\"", environment: ["COLUMNS": width]).output == usual, "\(width)")
    }
    #expect(try sh("\"$1\" ls -C \"$2\"", environment: ["COLUMNS": "0"]).output.filter { $0 == "\n" }.count == 1)
    let narrow = try sh("\"$1\" ls -C \"$2\"", environment: ["COLUMNS": "1"]).output
    #expect(try narrow == sh("\"$1\" ls -1 \"$2\"").output)
  }

  /// With no variable at all, and with a zone that is none.
  @Test func poorSurroundings() throws {
    let wanted = try sh("TZ=UTC \"$1\" ls -lR \"$2\"").output
    for start in ["env -i", "env TZ=Nowhere/None", "env TZ=:/etc/passwd", "env LANG=xx_YY LC_ALL=xx TZ=UTC HOME="] {
      let result = try sh("\(start) \"$1\" ls -lR \"$2\"")
      #expect(result.succeeded && (start == "env -i" || result.output == wanted), "\(start): \(result.errors)")
    }
  }
}
