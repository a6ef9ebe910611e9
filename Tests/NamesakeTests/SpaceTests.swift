import Foundation
import TestSupport
import Testing

/// du, df, cat and extents, compared with those of the system.
@Suite(.serialized, .enabled(if: Privileges.hasKernelDriver, "needs root, loop devices and the kernel's ext4"))
struct SpaceTests {
  private static let duOptions = ["", "-a", "-d1", "-ah", "-m", "-ab", "--apparent-size", "-sc", "-a0"]
  private static let moreDuOptions = [
    "-hd1", "-acd 1", "-shx", "-S", "-ahS", "-Sc", "-al", "-sl", "--inodes", "--inodes -S", "-t 2K", "-at-4M", "-BK",
    "-aB1M", "-B 1000", "-BKB", "--si", "-ah --si", "--exclude='a*'", "-a --exclude='*e*' --exclude lost+found",
    "-a --exclude=./l*", "-xa", "--block-size=512",
  ]
  private static let dfOptions = ["", "-h", "-i", "-ih"]
  private static let moreDfOptions = [
    "-H", "-iH", "-B1M", "-BM", "-B 1", "-BKB", "-P", "-hP", "-t ext4", "-x tmpfs", "-hT", "--total -h", "--total -T",
    "--output=source,size,used,avail,pcent,target", "--output=source,itotal,iused,iavail,ipcent,fstype,target -h",
  ]

  @Test(arguments: Images.names) func duEqualsThatOfAMount(_ fixture: Fixture) throws {
    guard Privileges.hasFUSE else { return }
    // Which folder a file of several names counts for depends on the order, which is another in the kernel's mount.
    try Images.withFUSE(fixture) { both in
      // The rest has little to do with what an image holds.
      let isOdd = ["hard-links", "holes"].contains(fixture.name)
      for options in Self.duOptions + (isOdd ? Self.moreDuOptions : []) {
        try both.expectSame("du", options)
      }
      // What lies in two of the paths is counted once.
      try both.expectSame("du", "-c", ". lost+found ./lost+found")
      try both.expectSame("du", "-sc", "lost+found [a-z]*")
    }
  }

  @Test(arguments: Images.names) func duEqualsTheKernels(_ fixture: Fixture) throws {
    try Images.withKernel(fixture) { both in
      for options in ["-s", "-sb", "-sch"] { try both.expectSame("du", options) }
    }
  }

  @Test(arguments: Images.names) func dfEqualsTheKernels(_ fixture: Fixture) throws {
    try Images.withKernel(fixture) { both in
      for options in Self.dfOptions + (fixture.name == "extents" ? Self.moreDfOptions : []) {
        // Between the name and where it is mounted.
        let edit = "tail -n 1 | awk '{ $1 = \"\"; $NF = \"\"; print }'"
        try both.expectSame("df", options, edit: edit)
      }
    }
  }

  @Test func dfIsLaidOutAsThatOfTheSystem() throws {
    let image = try Fixture("ext4", "names").image()
    try withKernelMount(of: image) { folder in
      let wanted = try runSuccessfully(["df", folder]).output.split(separator: "\n")
      let found = try runSuccessfully([vitrineBinary, "df", image]).output.split(separator: "\n")
      func columns(_ line: Substring) -> [Substring] { line.split(separator: " ") }
      #expect(columns(wanted[0]) == columns(found[0]))
      for options in [
        "-h", "-i", "-H", "-B1M", "-BM", "-B1", "-B 1000", "-B512", "-P", "-hP", "-iP", "-T", "-PT", "--output",
        "--output -h", "--output=fstype,source,file -B1",
        "--output=avail,size,pcent",
      ] {
        let heading =
          "{ df \(options) '\(folder)'; '\(vitrineBinary)' df \(options) '\(image)'; } | grep -E 'Filesystem|Avail' | tr -s ' '"
        let lines = try runSuccessfully(["sh", "-c", heading]).output.split(separator: "\n")
        #expect(lines.count == 2 && lines[0] == lines[1], "\(options): \(lines)")
      }
      let none = try run([vitrineBinary, "df", "-t", "xfs", image])
      #expect(none.status == 66 && none.errors.contains("no filesystem of such a type"), "\(none)")
      #expect(columns(wanted[1])[1...4].joined(separator: " ") == columns(found[1])[1...4].joined(separator: " "))
    }
  }

  @Test(arguments: Images.names) func catEqualsTheKernels(_ fixture: Fixture) throws {
    try Images.withKernel(fixture) { both in
      let find = try Namesake.output(
        of: "find . -type f -size -4M -name '[a-z0-9]*'", in: both.folder, edit: "sort | head -n 40")
      let files = find.split(separator: "\n").filter { !$0.contains("^") && !$0.contains("'") && !$0.contains("M-") }
      guard !files.isEmpty else { return }
      let rest = files.map { "'\($0)'" }.joined(separator: " ")
      try both.expectSame("cat", "", rest, edit: "cat | cksum")
      // To a file, and where it is appended to.
      let scratch = try TemporaryDirectory()
      let copy = scratch.path + "/copy"
      try run(["sh", "-c", "\(both.ours("cat", "", rest)) > \(copy); \(both.ours("cat", "", rest)) >> \(copy)"])
      let wanted = try Namesake.output(of: "cat \(rest) \(rest)", in: both.folder, edit: "cksum")
      #expect(try Namesake.output(of: "cat \(copy)", in: both.folder, edit: "cksum") == wanted)
    }
  }

  /// Extents that follow one another are one here, and where a file's last block ends, or space beyond its end, is not
  /// told: so both tables are compared as the places of written and unwritten blocks.
  @Test(arguments: Images.names) func extentsEqualFilefrag(_ fixture: Fixture) throws {
    // The kernel tells of data in inodes by its place there.
    guard fixture.name != "inline-data" else { return }
    try Images.withKernel(fixture) { both in
      // Names that a line of text can hold.
      let list = try Namesake.output(
        of: "find . -type f -name '[a-z0-9]*' ! -name '*[!-+._a-zA-Z0-9]*'", in: both.folder)
      let files = list.split(separator: "\n").map(String.init).sorted().prefix(40)
      for file in files {
        let folder = URL(fileURLWithPath: both.folder)
        let wanted = try runSuccessfully(["filefrag", "-v", file], in: folder).output
        let found = try runSuccessfully([vitrineBinary, "extents", both.image, file], in: folder).output
        let size = try #require(Self.blocks(in: wanted))
        #expect(Self.places(wanted, below: size) == Self.places(found, below: size), "\(file)\n\(wanted)\n\(found)")
        #expect(Self.blocks(in: found) == size)
        let count = Self.places(wanted, below: .max).isEmpty
        #expect(count == found.hasSuffix(": 0 extents found\n"))
      }
    }
  }

  @Test func extentsArePrintedAsFilefragPrintsThem() throws {
    try Images.withKernel(Fixture("ext4", "unwritten")) { both in
      for file in ["around", "whole"] {
        let folder = URL(fileURLWithPath: both.folder)
        let wanted = try runSuccessfully(["filefrag", "-v", file], in: folder).output
        let found = try runSuccessfully([vitrineBinary, "extents", both.image, file], in: folder).output
        #expect(wanted == found, "\(Namesake.difference(wanted, found))")
      }
    }
  }

  /// Blocks of the file's size, from the line that begins with it.
  private static func blocks(in text: String) -> Int? {
    let line = text.split(separator: "\n").first { $0.hasPrefix("File size of") }
    return line?.split(separator: "(").last.flatMap { Int($0.prefix { $0.isNumber }) }
  }

  /// Runs of blocks: where they begin in the file and in the volume, how many they are, and whether they were written.
  private static func places(_ text: String, below size: Int) -> [[Int]] {
    var runs: [[Int]] = []
    for line in text.split(separator: "\n") {
      let columns = line.split { " .:".contains($0) }
      guard columns.count >= 6, let first = Int(columns[1]), let place = Int(columns[3]), let count = Int(columns[5]),
        Int(columns[0]) != nil
      else { continue }
      guard first < size else { continue }
      let length = min(count, size - first)
      let isUnwritten = line.contains("unwritten") ? 1 : 0
      if let last = runs.last, last[0] + last[2] == first, last[1] + last[2] == place, last[3] == isUnwritten {
        runs[runs.count - 1][2] += length
      } else {
        runs.append([first, place, length, isUnwritten])
      }
    }
    return runs
  }
}
