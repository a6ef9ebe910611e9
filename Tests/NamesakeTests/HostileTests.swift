import Foundation
import TestSupport
import Testing

/// What reading commands do where something is missing, damaged or closed.
@Suite(.serialized) struct HostileTests {
  private static let commands = ["ls -lR", "tree", "find", "du -a", "df", "stat", "cat", "extents"]

  private func line(_ command: String, _ image: String, _ binary: String = vitrineBinary) -> String {
    let path = ["stat", "cat", "extents"].contains(command) ? "/p2/welcome.txt" : ""
    return "\(binary) \(command) \(image) \(path)"
  }

  /// In a mount namespace whose /dev has no fuse, and as somebody who may do nothing.
  @Test(.enabled(if: Privileges.isRoot)) func needNoFUSEAndNoRoot() throws {
    let folder = try TemporaryDirectory(prefix: "vitrine-plain")
    try runSuccessfully(["cp", vitrineBinary, folder.path + "/vitrine"])
    try runSuccessfully(["cp", Fixture("demo", "disk").image(), folder.path + "/disk.img"])
    try runSuccessfully(["chmod", "-R", "a+rX", folder.path])
    for command in Self.commands {
      let script = """
        mount -t tmpfs none /dev && mknod -m 666 /dev/null c 1 3 && cd '\(folder.path)' &&
        exec setpriv --reuid 65534 --regid 65534 --clear-groups --no-new-privs \\
          sh -c 'test ! -e /dev/fuse && exec \(line(command, "disk.img", "./vitrine"))'
        """
      let result = try runApart(["sh", "-c", script])
      #expect(result.succeeded, "\(command): \(result.errors)")
      #expect(result.errors.isEmpty && !result.output.isEmpty, "\(command): \(result.errors)")
    }
  }

  @Test func aClosedPipeIsNoError() throws {
    let image = try Fixture("ext4", "large-dir").image()
    for command in ["ls -R", "find", "tree"] {
      let result = try run(["sh", "-c", "\(vitrineBinary) \(command) \(image) | head -n 1"])
      #expect(result.succeeded && result.errors.isEmpty, "\(command): \(result.errors)")
      // Where the signal is ignored, too.
      let ignoring = try run([
        "sh", "-c", "trap '' PIPE; { \(vitrineBinary) \(command) \(image); echo $? >&2; } | head -n 1",
      ])
      #expect(ignoring.errors == "74\n", "\(command): \(ignoring.errors)")
    }
  }

  @Test func aFullDiskIsSaid() throws {
    let image = try Fixture("demo", "disk").image()
    for command in Self.commands {
      let result = try run(["sh", "-c", "\(line(command, image)) > /dev/full"])
      #expect(result.status == 74 && result.errors.contains("No space left"), "\(command): \(result)")
      #expect(result.errors.split(separator: "\n").count == 1)
    }
  }

  @Test func whatIsDamagedIsSaidAndTheRestIsDone() throws {
    let image = try Fixture("ext4", "should-fail-checksum-inode").image()
    for command in ["ls -lR", "tree --color always", "find IMAGE -ls", "du -a", "ls -lR --json"] {
      let words =
        command.contains("IMAGE") ? command.replacingOccurrences(of: "IMAGE", with: image) : "\(command) \(image)"
      let result = try run(["sh", "-c", "\(vitrineBinary) \(words)"])
      #expect(result.status == 65, "\(command): \(result)")
      #expect(result.errors.contains("checksum"), "\(command): \(result.errors)")
      #expect(result.output.contains("file"), "\(command): \(result.output)")
      for error in result.errors.split(separator: "\n") { #expect(error.hasPrefix("vitrine: \(image): /"), "\(error)") }
    }
    let several = try run([vitrineBinary, "stat", "-c", "%n", image, "/good/file", "/nowhere", "/good"])
    #expect(several.status == 66 && several.output == "/good/file\n/good\n", "\(several)")
  }

  @Test func aTreeThatIsNoneIsDamage() throws {
    let image = try Fixture("ext4", "should-fail-directory-cycle").image()
    for command in ["ls -R", "tree", "find", "du"] {
      let result = try run([vitrineBinary] + command.split(separator: " ").map(String.init) + [image], timeout: 30)
      #expect(result.status == 65 && result.errors.contains("/a/b/c/up"), "\(command): \(result.errors)")
      #expect(result.output.contains("file") || command == "du")
    }
  }

  @Test func allDamagedImagesComeToAnEnd() throws {
    for fixture in Fixture.all(of: "ext4") where fixture.isHostile {
      let image = try fixture.image()
      for command in ["ls -laR", "tree -a", "find", "du -ac", "df", "ls --json -R"] {
        let result = try run([vitrineBinary] + command.split(separator: " ").map(String.init) + [image], timeout: 60)
        #expect(
          [0, 65, 66, 69, 74].contains(result.status), "\(fixture) \(command): \(result.status) \(result.errors)")
      }
    }
  }

  @Test func namesAreBytes() throws {
    let image = try Fixture("ext4", "names").image()
    let json = try runSuccessfully([vitrineBinary, "ls", "--json", "-A", image]).output
    let entries = try #require(JSONSerialization.jsonObject(with: Data(json.utf8)) as? [[String: Any]])
    let odd = entries.filter { $0["name-hex"] != nil }
    #expect(!odd.isEmpty)
    // A name that is no UTF-8 is a path like any other.
    let result = try run([
      "sh", "-c",
      "\(vitrineBinary) find '\(image)' -name '*bad*' -print0 | xargs -0 \(vitrineBinary) stat -c '%F' '\(image)'",
    ])
    #expect(result.succeeded && result.output.contains("regular"), "\(result)")
    for command in ["ls -R", "tree", "find"] {
      let shown = try run(
        ["script", "-qec", "\(vitrineBinary) \(command) '\(image)'", "/dev/null"],
        environment: ["LC_ALL": "C.UTF-8", "NO_COLOR": "1", "TERM": "xterm"])
      #expect(!shown.output.contains("\u{1B}") && !shown.output.contains("\u{7}"), "\(command)")
    }
  }

  @Test(.enabled(if: Privileges.hasKernelDriver)) func aDeepTreeIsListed() throws {
    let scratch = try TemporaryDirectory(prefix: "vitrine-deep")
    let image = scratch.path + "/deep.img"
    try runSuccessfully(["truncate", "-s", "64M", image])
    try runSuccessfully(["mke2fs", "-q", "-F", "-t", "ext4", "-b", "1024", "-N", "8000", image])
    try runSuccessfully(["mkdir", scratch.path + "/mnt"])
    try runSuccessfully(["mount", "-o", "loop", image, scratch.path + "/mnt"])
    let made = try run([
      "python3", "-c",
      "import os\nos.chdir('\(scratch.path)/mnt')\nos.rmdir('lost+found')\nfor i in range(5000):\n  os.mkdir('deep'); os.chdir('deep')\nopen('file','w').write('x')",
    ])
    try runSuccessfully(["umount", scratch.path + "/mnt"])
    #expect(made.succeeded, "\(made.errors)")
    try withKernelMount(of: image) { folder in
      let both = Namesake(image: image, folder: folder)
      for expression in ["-printf '%d %f\\n'", "-depth -print"] {
        let wanted = try Namesake.output(of: "find . \(expression)", in: folder, edit: "cksum")
        #expect(try Namesake.output(of: both.ours("find", expression), in: folder, edit: "cksum") == wanted)
      }
      try both.expectSame("du", "-a", edit: "cksum")
      // Paths of theirs end where the kernel takes no longer ones.
      let listing = try Namesake.output(of: both.ours("ls", "-R"), in: folder, edit: "grep -c '^deep$'")
      #expect(listing == "5000\n")
      let tree = try Namesake.output(of: both.ours("tree", ""), in: folder, edit: "tail -n 1")
      #expect(tree == "5001 directories, 1 file\n")
    }
  }
}
