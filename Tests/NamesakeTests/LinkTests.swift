import Foundation
import TestSupport
import Testing

/// Symbolic links followed, and names sorted and chosen, as the commands of the system do it on a mount.
@Suite(.serialized, .enabled(if: Privileges.hasKernelDriver, "needs root, loop devices and the kernel's ext4"))
struct LinkTests {
  private static let script = """
    mkdir -p tree/d/sub tree/other tree/.hid && cd tree &&
    touch a9 a10 a1 a01 a.b.c x.tar.gz x1.tar.gz 1.0 1.0~rc1 1.10 1.9 f~ .b~ ./-dash '#hash#' +plus A Z.txt b.txt .z.txt \
      zz.c d/file other/f2 && head -c 5000 /dev/zero > big && ln -s d to-d && ln -s big to-big &&
    ln -s nowhere broken && ln -s loop loop && ln -s .. d/sub/up && ln -s ../other d/side && ln -s d/file rel &&
    touch -d 2001-01-01 d/file && touch -a -d '+3 days' A && touch -a -d '+36 hours' a9 && touch -a -d '-3 days' a10 &&
    cd .. && truncate -s 8M links.img && mke2fs -q -t ext4 -d tree links.img
    """

  /// Runs `body` with an image of links and of names that sort oddly, and the kernel's mount of it.
  static func withImage(_ body: (Namesake, TemporaryDirectory) throws -> Void) throws {
    let scratch = try TemporaryDirectory(prefix: "vitrine-links")
    try runSuccessfully(["sh", "-c", script], in: scratch.url)
    let image = scratch.path + "/links.img"
    try withKernelMount(of: image) { folder in try body(Namesake(image: image, folder: folder), scratch) }
  }

  @Test func lsFollowsSortsAndChooses() throws {
    try Self.withImage { both, _ in
      for options in [
        "-v", "-vr", "-X", "-RvX", "-a", "-ar", "-aX", "-RL", "-B", "-AB", "-I 'a*'", "-aI '.*'", "-aI '*'",
        "--ignore=a* --ignore='*.txt'", "--group-directories-first", "-Ar --group-directories-first",
        "-LS --group-directories-first", "-xw 60", "-C -w 40", "-Cw0", "-xw0", "--sort=size", "--sort=extension -r",
        "-SL", "-tL", "-F", "-LF", "-pL", "-tS", "-St", "-vXr", "--time=atime --sort=time",
      ] {
        try both.expectSame("ls", options)
      }
      for options in ["-lL", "-lRL", "-l --time=atime", "-lLh", "-lH"] {
        try both.expectSame("ls", options, namesakeOptions: "-n")
      }
      for path in ["to-d", "to-big", "broken to-d", "to-d a9 a10"] {
        for options in ["-H", "-L", "-F", "-FH", "-d", "-dL", "-vL"] { try both.expectSame("ls", options, path) }
        try both.expectSame("ls", "-lH", path, namesakeOptions: "-n")
      }
      // What of a folder itself stands among its entries.
      for options in ["-at", "-aS", "-aSLr", "-avr"] { try both.expectSame("ls", options, "d") }
      let loop = try run([vitrineBinary, "ls", "-RL", both.image, "/d"])
      #expect(
        loop.status == 66
          && loop.errors.hasSuffix("/d/sub/up: is a folder that this one lies in; it is not listed again\n"))
    }
  }

  @Test func findFollows() throws {
    try Self.withImage { both, _ in
      for option in ["-L", "-H", "-P", "-L -P", "-H -L"] {
        for expression in [
          "", "-type l", "-type f", "-xtype l", "-xtype f,d", "-lname '*'", "-depth", "-newer ./a9", "-newer ./rel",
          "-samefile ./rel", "-samefile ./d/file", "-size +1k", "-empty", "-maxdepth 2", "-name up", "-readable",
          "-printf '%p %y %Y %l %d %s %i\\n'",
        ] {
          for path in [".", "to-d broken loop rel"] {
            try Self.expectSameFind(both, option, path, expression)
          }
        }
      }
      for expression in ["-follow", "-follow -type l", "-used 2", "-used +2", "-used -4", "-used 3", "-used 0"] {
        try Self.expectSameFind(both, "", ".", expression)
      }
      let loop = try run([vitrineBinary, "find", "-L", both.image, "/d"])
      #expect(loop.status == 66 && loop.errors.contains("/d/sub/up: Too many levels"), "\(loop)")
    }
  }

  private static func expectSameFind(
    _ both: Namesake, _ option: String, _ path: String, _ expression: String
  ) throws {
    let wanted = try Namesake.output(of: "find \(option) \(path) \(expression)", in: both.folder, edit: "sort")
    let line = "'\(vitrineBinary)' find \(option) '\(both.image)' \(path) \(expression)"
    let found = try Namesake.output(of: line, in: both.folder, edit: "sort")
    #expect(wanted == found, "\(option) \(expression)\n\(Namesake.difference(wanted, found))")
  }

  /// With all that cp(1) does with links, and what it keeps of them.
  @Test func cpFollows() throws {
    try Self.withImage { both, scratch in
      for options in [
        "-r", "-rL", "-a", "-La", "-rH", "-rP", "-rd", "-L", "-H", "-P", "-d", "-p", "-pd", "-rpL", "-aH", "-aLP",
      ] {
        for source in [".", "to-d", "rel", "d", "broken"] {
          try runSuccessfully(["sh", "-c", "rm -rf wanted found && mkdir wanted found"], in: scratch.url)
          let wanted = try run(["cp", options, "\(both.folder)/\(source)", scratch.path + "/wanted/copy"])
          let found = try run([vitrineBinary, "cp", options, "\(both.image):\(source)", scratch.path + "/found/copy"])
          #expect(wanted.succeeded == found.succeeded, "cp \(options) \(source): \(wanted) \(found)")
          let times = "ap".contains { options.contains($0) } ? "" : "--no-times --size-only"
          let difference = try runSuccessfully(
            ["sh", "-c", "rsync -n -aHAX -i --delete -O \(times) --checksum wanted/ found/"], in: scratch.url)
          #expect(difference.output.isEmpty, "cp \(options) \(source): \(difference.output)")
        }
      }
    }
  }

  /// What a link names is looked for in the image, whatever is there on the host.
  @Test func linksToTheHostLeadNowhere() throws {
    let scratch = try TemporaryDirectory(prefix: "vitrine-links-host")
    try runSuccessfully(
      [
        "sh", "-c",
        """
        echo secret > secret && mkdir -p tree/etc && echo ours > tree/etc/hostname && ln -s "$PWD/secret" tree/absolute &&
        ln -s /etc/hostname tree/own && ln -s ../../../../../../../..$PWD/secret tree/up && ln -s /etc tree/folder &&
        truncate -s 4M host.img && mke2fs -q -t ext4 -d tree host.img
        """,
      ], in: scratch.url)
    let copied = try run([vitrineBinary, "cp", "-rL", "host.img:/", "copy"], in: scratch.url)
    #expect(copied.status == 66 && copied.errors.split(separator: "\n").count == 2, "\(copied)")
    let found = try runSuccessfully(
      ["sh", "-c", "cd copy && find . -type f | sort && cat own folder/hostname"], in: scratch.url)
    #expect(found.output == "./etc/hostname\n./folder/hostname\n./own\nours\nours\n", "\(found)")
    for command in [["ls", "-lL"], ["find", "-L"]] {
      let result = try run([vitrineBinary] + command + ["host.img"], in: scratch.url)
      #expect(!result.output.contains("secret"), "\(result)")
    }
  }
}
