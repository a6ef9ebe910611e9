import Foundation
import TestSupport
import Testing

/// What reading commands do where something is missing, damaged or closed.
@Suite(.serialized) struct HostileTests {
  /// All that read, with what they are asked for.
  private static let commands: [String] = [
    "inspect", "ls -lR", "tree", "find IMAGE /p2 -ls", "du -a", "df", "stat IMAGE /p2/welcome.txt",
    "cat IMAGE /p2/welcome.txt", "extents IMAGE /p2/welcome.txt", "cp -a IMAGE:/p2/home -", "tar IMAGE /p2/home",
    "manifest", "manifest --json", "diff IMAGE:/p2/home IMAGE:/p2",
  ]

  private func line(_ command: String, _ image: String, _ binary: String = vitrineBinary) -> String {
    let words = command.contains("IMAGE") ? command : "\(command) IMAGE"
    return "'\(binary)' " + words.replacingOccurrences(of: "IMAGE", with: image)
  }

  /// Runs a line of sh(1) in a mount namespace whose /dev has no fuse, as somebody who may do nothing, in a folder that
  /// only has what is copied there.
  private func plain(_ line: String, in folder: TemporaryDirectory) throws -> CommandResult {
    let script = """
      mount -t tmpfs none /dev && mknod -m 666 /dev/null c 1 3 && cd '\(folder.path)' &&
      exec setpriv --reuid 65534 --regid 65534 --clear-groups --no-new-privs \\
        sh -c 'test ! -e /dev/fuse || exit 99; \(line)'
      """
    return try runApart(["sh", "-c", script], needsNetwork: true)
  }

  @Test(.enabled(if: Privileges.isRoot)) func needNoFUSEAndNoRoot() throws {
    let folder = try TemporaryDirectory(prefix: "vitrine-plain")
    try runSuccessfully(["cp", vitrineBinary, folder.path + "/vitrine"])
    try runSuccessfully(["cp", Fixture("demo", "disk").image(), folder.path + "/disk.img"])
    try runSuccessfully(["mkdir", "-m", "777", folder.path + "/out"])
    try runSuccessfully(["chmod", "-R", "a+rX", folder.path])
    // Each as root would be told with /dev/fuse there.
    for command in Self.commands {
      let result = try plain(
        "exec " + line(command, "disk.img", "./vitrine").replacingOccurrences(of: "'", with: ""), in: folder)
      let wanted = try run(["sh", "-c", "cd '\(folder.path)' && exec \(line(command, "disk.img"))"])
      #expect(result.status == (command.hasPrefix("diff") ? 1 : 0), "\(command): \(result.errors)")
      #expect(result.errors.isEmpty && !result.output.isEmpty, "\(command): \(result.errors)")
      #expect(result.output == wanted.output, "\(command)")
    }
    let copied = try plain(
      "./vitrine cp -r disk.img:/p2/home out && ./vitrine tar -f out/a.tar disk.img /p2/home", in: folder)
    #expect(copied.succeeded && copied.errors.isEmpty, "\(copied)")
    try runSuccessfully(
      ["sh", "-c", "tar -xf a.tar && find home -type f | grep -q . && diff -r --no-dereference home p2/home"],
      in: folder.url.appendingPathComponent("out"))
    // What needs a mount says why there is none.
    for command in ["mount disk.img out", "disk.img out", "run disk.img true"] {
      let result = try plain("exec ./vitrine \(command)", in: folder)
      #expect(result.status == 71 && result.errors.contains("/dev/fuse"), "\(command): \(result)")
      #expect(result.errors.split(separator: "\n").count == 1, "\(result.errors)")
    }
    #expect(try plain("exec ./vitrine mounts -n", in: folder).succeeded)
    #expect(try plain("exec ./vitrine umount out", in: folder).status == 64)
  }

  @Test func aClosedPipeIsNoError() throws {
    let image = try Fixture("ext4", "large-dir").image()
    for command in ["ls -R", "find", "tree", "manifest", "manifest --json", "tar", "cp -a IMAGE:/ -"] {
      let result = try run(["bash", "-c", "\(line(command, image)) | head -c 10; exit ${PIPESTATUS[0]}"])
      #expect([0, 141].contains(result.status) && result.errors.isEmpty, "\(command): \(result)")
      // Where the signal is ignored, too.
      let ignoring = try run([
        "sh", "-c", "trap '' PIPE; { \(line(command, image)); echo $? >&2; } | head -c 10",
      ])
      #expect(ignoring.errors == "74\n", "\(command): \(ignoring.errors)")
    }
  }

  @Test func aFullDiskIsSaid() throws {
    let image = try Fixture("demo", "disk").image()
    for command in Self.commands {
      let result = try run(["sh", "-c", "\(line(command, image)) > /dev/full"])
      #expect(
        result.status == (command.hasPrefix("diff") ? 2 : 74) && result.errors.contains("No space left"),
        "\(command): \(result)")
      #expect(result.errors.split(separator: "\n").count == 1)
    }
  }

  /// A host that cannot read its own file: that is not damage, and not the end of a file. Here, the image lies in a
  /// mount of another one, which was cut short.
  @Test(.enabled(if: Privileges.hasFUSE)) func aHostThatCannotReadIsSaid() throws {
    let folder = try TemporaryDirectory(prefix: "vitrine-unreadable")
    try runSuccessfully(
      [
        "sh", "-c",
        """
        mkdir inner outer && echo x > inner/another && head -c 6000000 /dev/urandom > inner/large &&
        truncate -s 10M outer/own.img && mke2fs -q -b 4096 -t ext4 -O ^has_journal -d inner outer/own.img &&
        truncate -s 16M outer.img && mke2fs -q -b 4096 -t ext4 -O ^has_journal -d outer outer.img && truncate -s 5M outer.img && mkdir out
        """,
      ], in: folder.url)
    try withVitrineMount(of: folder.path + "/outer.img") { mount in
      let image = mount + "/own.img"
      for command in [
        "cat IMAGE /large", "cp -a IMAGE:/ out", "tar IMAGE", "tar -f out/a.tar IMAGE", "manifest IMAGE",
        "diff IMAGE inner", "diff inner IMAGE",
      ] {
        let result = try run(["sh", "-c", "\(line(command, image)) >output"], in: folder.url)
        #expect(result.status == (command.hasPrefix("diff") ? 2 : 74), "\(command): \(result)")
        #expect(
          result.errors.contains("large: ") && result.errors.contains("Input/output error"), "\(command): \(result)")
      }
      // All else was done, and nothing stands for what could not be.
      let kept = try runSuccessfully(
        ["sh", "-c", "ls -A out; cat out/another; tar -xOf out/a.tar another"], in: folder.url)
      #expect(kept.output == "a.tar\nanother\nlost+found\nx\nx\n")
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
