import Foundation
import TestSupport
import Testing

/// `vitrine tar`, unpacked by others.
@Suite(.serialized) struct ArchiveTests {
  private let folder: TemporaryDirectory

  init() throws { folder = try TemporaryDirectory(prefix: "vitrine-tar") }

  @Test(.enabled(if: Privileges.hasKernelDriver), arguments: CopiedImages.ext4 + CopiedImages.compressed.prefix(4))
  func archivesUnpackToWhatAMountShows(_ fixture: Fixture) throws {
    let image = try fixture.image()
    let archive = folder.path + "/archive.tar"
    let written = try run([vitrineBinary, "tar", "-f", archive, image])
    #expect(written.succeeded, "\(written)")
    for line in written.errors.split(separator: "\n") { #expect(line.contains("warning: it is a socket")) }
    // The same again, into a pipe.
    let line = "\(vitrineBinary) tar '\(image)' 2> /dev/null | cmp - '\(archive)'"
    #expect(try run(["sh", "-c", line]).succeeded, "\(fixture)")
    try fixture.withKernelMount { mount in
      for (name, command) in [
        ("GNU tar", "tar --xattrs --xattrs-include='*' --acls --numeric-owner -xpf"),
        ("bsdtar", "bsdtar --numeric-owner -xpf"),
      ] {
        let target = "\(folder.path)/\(name.prefix(3))"
        try runSuccessfully(["mkdir", target])
        try runSuccessfully(["sh", "-c", "\(command) '\(archive)' -C '\(target)'"])
        let difference = try CopiedImages.difference(mount, target, "--no-specials").split(separator: "\n").filter {
          // A mode that contradicts its access list: libarchive makes the one of the other.
          if name == "bsdtar" && fixture.name == "acl" && $0 == ".f...p...a. named" { return false }
          // Fractions of seconds before 1970: POSIX, as GNU tar has it, counts them down; libarchive counts them up.
          if name == "bsdtar" && fixture.name == "times" && [".f..t...... 1901", ".f..t...... 1969"].contains($0) {
            return false
          }
          // bsdtar leaves the time of the folder it unpacks into; sockets are in no archive.
          return !(name == "bsdtar" && $0 == ".d..t...... ./") && !$0.hasPrefix("cS") && !$0.hasPrefix("skipping")
        }
        #expect(difference.isEmpty, "\(fixture), \(name): \(difference)")
      }
    }
  }

  @Test func aTerminalIsRefused() throws {
    let image = try Fixture("ext4", "extents").image()
    let result = try run(["script", "-qec", "'\(vitrineBinary)' tar '\(image)'", "/dev/null"])
    #expect(result.status == 64 && result.output.contains("nothing for a terminal"), "\(result)")
  }

  @Test func pathsAreMembers() throws {
    let image = try Fixture("demo", "disk").image()
    // As people write it.
    let verbose = try run([vitrineBinary, "tar", "-cvf", folder.path + "/a.tar", image, "/p2/welcome.txt"])
    #expect(verbose.succeeded && verbose.errors == "p2/welcome.txt\n", "\(verbose)")
    #expect(try runSuccessfully(["tar", "-tf", folder.path + "/a.tar"]).output == "p2/welcome.txt\n")
    let line = "\(vitrineBinary) tar '\(image)' /p2/welcome.txt ../p2//./welcome.txt | tar -tf -"
    #expect(try runSuccessfully(["sh", "-c", line]).output == "p2/welcome.txt\np2/welcome.txt\n")
    let missing = try run(["sh", "-c", "\(vitrineBinary) tar '\(image)' /p2/welcome.txt /nowhere > /dev/null"])
    #expect(missing.status == 66 && missing.errors.contains("/nowhere: No such file"))
  }

  /// What is left out, and where names start, as GNU tar has it.
  @Test func membersAreChosen() throws {
    let image = folder.path + "/chosen.img"
    try runSuccessfully(
      [
        "sh", "-c",
        """
        mkdir -p tree/d/sub/deep tree/other && touch tree/a.gz tree/d/file tree/d/sub/f tree/d/sub/deep/x tree/other/f2 &&
        ln tree/d/file tree/other/hard && truncate -s 4M chosen.img && mke2fs -q -t ext4 -d tree chosen.img &&
        mkdir tree/lost+found
        """,
      ], in: folder.url)
    for options in [
      "", "--exclude='*.gz'", "--exclude=d", "--exclude=./d", "--exclude=./sub", "--exclude=d/sub", "--exclude='sub/*'",
      "--exclude='f*'", "--exclude='./*/f*'", "--exclude=sub --exclude=other", "--exclude=nothing",
      "-C d", "-C d --exclude=sub", "-Cd --exclude='./sub/*'",
    ] {
      let edit = "tar -t | sed 's,^\\./,,; /^$/d' | sort"
      let wanted = try runSuccessfully(["sh", "-c", "cd tree && tar -c \(options) . | \(edit)"], in: folder.url).output
      let found = try runSuccessfully(
        ["sh", "-c", "'\(vitrineBinary)' tar \(options) '\(image)' . | \(edit)"], in: folder.url
      ).output
      #expect(wanted == found && !found.isEmpty, "\(options): \(found)")
    }
    for (arguments, members) in [
      ("--strip-components=1 '\(image)' d", "file\nsub/\nsub/deep/\nsub/deep/x\nsub/f\n"),
      ("--strip-components 2 '\(image)' d other", "deep/\ndeep/x\nf\n"),
      ("-C /d '\(image)' sub/f /file", "sub/f\nfile\n"), ("-C d/sub '\(image)' ../file", "file\n"),
    ] {
      let line = "'\(vitrineBinary)' tar \(arguments) | tar -tf -"
      #expect(try runSuccessfully(["sh", "-c", line]).output == members, "\(arguments)")
    }
  }

  /// What bsdtar takes for the start of a path of another system, and takes away where nothing stands in front.
  @Test func namesThatLookLikeDrivesAreKept() throws {
    try runSuccessfully(
      [
        "sh", "-c",
        """
        mkdir -p 'tree/a:b' tree/C: tree/unpacked && echo x > 'tree/a:b/c:d' && ln 'tree/a:b/c:d' 'tree/Z:hard' &&
        echo y > 'tree/\\top' && truncate -s 1M 'tree/s:parse' && ln -s z:link tree/l:ink && truncate -s 4M drives.img &&
        mke2fs -q -t ext4 -d tree drives.img && mkdir gnu bsd && '\(vitrineBinary)' tar -f a.tar drives.img &&
        tar -xpf a.tar -C gnu && bsdtar -xpf a.tar -C bsd && mkdir tree/lost+found
        """,
      ], in: folder.url)
    for unpacked in ["gnu", "bsd"] {
      #expect(
        try run(["diff", "-r", "--no-dereference", "tree", unpacked], in: folder.url).output == "", "\(unpacked)")
      let names = try runSuccessfully(["stat", "-c", "%h", unpacked + "/Z:hard"], in: folder.url)
      #expect(names.output == "2\n", "\(unpacked)")
    }
  }

  /// Numbers and names that the old header has no room for.
  @Test(.enabled(if: Privileges.isRoot)) func whatIsLongOrLargeIsKept() throws {
    let long = String(repeating: "d", count: 120)
    let file = String(repeating: "f", count: 200)
    try runSuccessfully(
      [
        "sh", "-c",
        """
        mkdir -p tree/\(long)/\(long) && echo x > tree/\(long)/\(long)/\(file) && ln -s \(file) tree/link &&
        printf y > "$(printf 'tree/\(long)/\\377\(file)')" && ln tree/\(long)/\(long)/\(file) tree/hard &&
        printf end | dd of=tree/large bs=1M seek=9215 conv=notrunc status=none &&
        chown 3000000:4000000 tree/hard && setfattr -n user.a=b%c -v 1=2 tree/link 2>/dev/null;
        setfattr -n user.a=b%c -v 1=2 tree/hard && touch -d '1965-05-05 05:05:05' tree/hard && mknod tree/dev b 4000 300000 &&
        truncate -s 64M long.img && mke2fs -q -t ext4 -d tree long.img && mkdir gnu bsd &&
        '\(vitrineBinary)' tar long.img | tee a.tar | tar --xattrs --xattrs-include='*' -xpf - -C gnu 2> /dev/null &&
        bsdtar -xpf a.tar -C bsd
        """,
      ], in: folder.url)
    let copy = try run([vitrineBinary, "cp", "-a", folder.path + "/long.img:/", folder.path + "/copy"])
    #expect(copy.succeeded && copy.errors.isEmpty, "\(copy)")
    // Against the tree itself, which mke2fs keeps but for fractions of seconds.
    for target in ["gnu", "bsd", "copy"] {
      let difference = try CopiedImages.difference(
        folder.path + "/tree", "\(folder.path)/\(target)",
        "-@ 1 --omit-dir-times --exclude=/large --exclude=/lost+found")
      // libarchive's names of attributes are its own.
      let lines = difference.split(separator: "\n").filter { target != "bsd" || !$0.contains("x ") }
      #expect(lines.isEmpty, "\(target): \(lines)")
      #expect(
        try runSuccessfully(
          ["sh", "-c", "cmp tree/large \(target)/large && stat -c %s \(target)/large"], in: folder.url
        )
        .output == "\(9215 * (1 << 20) + 3)\n")
    }
  }
}
