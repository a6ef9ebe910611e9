import Foundation
import TestSupport
import Testing

/// Images whose files are of many kinds, and how copies of them are judged.
enum CopiedImages {
  static let ext4 = [
    "extents", "special-files", "names", "symlinks", "acl", "times", "xattrs", "inline-data", "hard-links", "holes",
    "unwritten", "indirect-1k",
  ].map { Fixture("ext4", $0) }

  static let compressed = [
    "gzip", "xz", "zstd", "lz4", "lzo", "fragments-many", "special-files", "times", "names", "uncompressed-some",
  ].map { Fixture("squashfs", $0) }

  /// What cp(1) cannot keep either.
  private static func unavoidable(_ folder: String, _ options: String) throws -> [Substring] {
    let scratch = try TemporaryDirectory(prefix: "vitrine-cp-a")
    let copy = scratch.path + "/cp-a"
    try runSuccessfully(["cp", "-a", folder, copy])
    return try difference(folder, copy, options).split(separator: "\n")
  }

  /// What rsync would still have to do to make `copy` the same as `folder`. Of files larger than it can go through in a
  /// test, `vitrine diff` tells, which knows where the host has holes.
  static func difference(_ folder: String, _ copy: String, _ options: String = "") throws -> String {
    // Checksums are made of all files that are not left out.
    let found = try runSuccessfully([
      "sh", "-c",
      """
      cd '\(folder)' && find . -type f -size +131072 -printf '/%P\\n' |
        rsync -n -aHAX --checksum --delete --exclude-from=- -i \(options) ./ '\(copy)/'
      """,
    ]).output
    let large = try run([vitrineBinary, "diff", "--ignore", "mode,owner,xattrs", folder, copy]).output
    // A mode that contradicts its access list, as a handmade image has it, is nothing that can be set.
    let kept = try found.isEmpty || copy.hasSuffix("/cp-a") ? [] : unavoidable(folder, options)
    return found.split(separator: "\n").filter { !kept.contains($0) }.joined(separator: "\n")
      + large.split(separator: "\n").filter { $0.contains("(content)") }.joined(separator: "\n")
  }
}

/// `vitrine cp` against `cp -a` of a mount.
@Suite(.serialized) struct CopyCommandTests {
  private let folder: TemporaryDirectory
  private var copy: String { folder.path + "/copy" }

  init() throws { folder = try TemporaryDirectory(prefix: "vitrine-cp") }

  private func cp(_ arguments: String...) throws -> CommandResult { try run([vitrineBinary, "cp"] + arguments) }

  @Test(.enabled(if: Privileges.hasKernelDriver), arguments: CopiedImages.ext4 + CopiedImages.compressed)
  func copiesAreThoseOfAMount(_ fixture: Fixture) throws {
    let result = try cp("-a", fixture.image() + ":/", copy)
    #expect(result.succeeded && result.errors.isEmpty && result.output.isEmpty, "\(result)")
    try fixture.withKernelMount { mount in
      #expect(try CopiedImages.difference(mount, copy) == "", "\(fixture)")
      // Holes, too: no file takes more than it does where it comes from, but for the size of blocks.
      let script = "find . -type f -size -1000000 -printf '%b %p\\0' | sort -z -k 2"
      let wanted = try runSuccessfully(["sh", "-c", script], in: URL(fileURLWithPath: mount)).output.split(
        separator: "\0")
      let found = try runSuccessfully(["sh", "-c", script], in: URL(fileURLWithPath: copy)).output.split(
        separator: "\0")
      #expect(wanted.count == found.count)
      guard fixture.format == "ext4" else { return }
      for (before, after) in zip(wanted, found) {
        let most = (Int(before.prefix { $0 != " " }) ?? 0) * 8 + 16
        #expect((Int(after.prefix { $0 != " " }) ?? .max) <= most, "\(fixture): \(before), and now \(after)")
      }
    }
  }

  @Test func aSparseFileStaysSparse() throws {
    let image = folder.path + "/sparse.img"
    try runSuccessfully(
      [
        "sh", "-c",
        """
        mkdir tree && truncate -s 1T tree/sparse && printf data | dd of=tree/sparse bs=1M seek=500000 conv=notrunc &&
        truncate -s 32M sparse.img && mke2fs -q -t ext4 -d tree sparse.img
        """,
      ], in: folder.url)
    let start = ContinuousClock.now
    #expect(try cp(image + ":/sparse", copy).succeeded)
    #expect(ContinuousClock.now - start < .seconds(5))
    let facts = try runSuccessfully(["stat", "-c", "%s %b", copy]).output.split(separator: " ")
    #expect(facts[0] == "1099511627776" && (Int(facts[1].dropLast()) ?? .max) <= 64)
    let data = try runSuccessfully(["dd", "if=" + copy, "bs=4", "skip=\(500_000 << 18)", "count=1", "status=none"])
    #expect(data.output == "data")
    let archive = try runSuccessfully(
      [
        "sh", "-c",
        "\(vitrineBinary) tar '\(image)' /sparse | tee archive | tar -xf - && wc -c < archive && stat -c %s sparse",
      ], in: folder.url)
    #expect(archive.output == "10240\n1099511627776\n")
    // What the host has no data of is a hole, too, where nothing else says so.
    let whole = try run(
      [
        "sh", "-c",
        """
        truncate -s 1T raw.img && printf data | dd of=raw.img bs=1M seek=500000 conv=notrunc status=none &&
        '\(vitrineBinary)' cp --view disk raw.img:/disk.raw raw.copy && stat -c %s raw.copy &&
        test $(stat -c %b raw.copy) -le 64 && dd if=raw.copy bs=4 skip=\(500_000 << 18) count=1 status=none
        """,
      ], in: folder.url, timeout: 30)
    #expect(whole.output == "1099511627776\ndata", "\(whole)")
  }

  /// Where both lie on one filesystem that can share blocks, nothing is copied.
  @Test(.enabled(if: Privileges.hasKernelDriver), arguments: ["btrfs", "xfs"])
  func blocksAreSharedWithTheImage(_ type: String) throws {
    let drivers = try String(contentsOfFile: "/proc/filesystems", encoding: .utf8)
    guard drivers.split(separator: "\n").contains(where: { $0.hasSuffix("\t\(type)") }) else { return }
    try runSuccessfully(
      [
        "sh", "-c",
        "truncate -s 400M host.img && mkfs.\(type) -q host.img && mkdir host && mount -o loop host.img host",
      ], in: folder.url)
    defer { _ = try? run(["umount", folder.path + "/host"]) }
    let result = try runSuccessfully(
      [
        "sh", "-c",
        """
        mkdir tree && head -c 3000000 /dev/urandom > tree/large && head -c 40000 /dev/urandom > tree/small &&
        truncate -s 40M own.img && mke2fs -q -t ext4 -b 4096 -d tree own.img && sync own.img &&
        '\(vitrineBinary)' cp -a own.img:/ copy && cmp tree/large copy/large && cmp tree/small copy/small &&
        sync copy/large && filefrag -v copy/large
        """,
      ], in: folder.url.appendingPathComponent("host"))
    let shared = result.output.split(separator: "\n").filter { $0.contains("shared") }.compactMap { line in
      line.split(separator: ":").dropFirst(3).first.flatMap { Int($0.trimmingCharacters(in: .whitespaces)) }
    }
    // All but the last block, which is not a whole one.
    #expect(shared.reduce(0, +) == 3_000_000 / 4096, "\(result.output)")
  }

  /// Everything that options change, on a small image with colons in its names.
  @Test func optionsMeanWhatTheyDoForCp() throws {
    let image = folder.path + "/a:b.img"
    try runSuccessfully(
      [
        "sh", "-c",
        """
        mkdir -p tree/dir/sub && echo one > tree/dir/one && ln tree/dir/one tree/dir/two && ln -s one tree/dir/link &&
        echo x > tree/x:y && chmod 0666 tree/x:y && touch -d 2001-02-03 tree/x:y tree/dir &&
        truncate -s 4M a:b.img && mke2fs -q -t ext4 -d tree a:b.img
        """,
      ], in: folder.url)
    let target = folder.path + "/target"
    try FileManager.default.createDirectory(atPath: target, withIntermediateDirectories: false)
    #expect(try cp(image + ":/x:y", image + ":dir/link", target).succeeded)
    // A link that is named is followed, as cp(1) does without -r, -d and -a.
    #expect(try runSuccessfully(["sh", "-c", "cat '\(target)/link' && test ! -L '\(target)/link'"]).output == "one\n")
    #expect(try runSuccessfully(["stat", "-c", "%a", target + "/x:y"]).output == "644\n")
    let omitted = try cp(image + ":/dir", target)
    #expect(omitted.status == 66 && omitted.errors.contains("copy it with -r"), "\(omitted)")
    #expect(try cp("-r", image + ":/dir", target).succeeded)
    #expect(try runSuccessfully(["stat", "-c", "%h", target + "/dir/one"]).output == "1\n")
    #expect(try cp("-a", image + ":/dir", target + "/archive").succeeded)
    #expect(try runSuccessfully(["stat", "-c", "%h %Y", target + "/archive/one"]).output.hasPrefix("2 "))
    #expect(try runSuccessfully(["date", "-r", target + "/archive", "+%F"]).output == "2001-02-03\n")
    #expect(try cp("-p", image + ":/x:y", target + "/kept").succeeded)
    #expect(try runSuccessfully(["stat", "-c", "%a", target + "/kept"]).output == "666\n")

    try runSuccessfully(["sh", "-c", "echo mine > '\(target)/x:y'"])
    #expect(try cp("-n", image + ":/x:y", target).succeeded)
    #expect(try String(contentsOfFile: target + "/x:y", encoding: .utf8) == "mine\n")
    let verbose = try cp("-v", image + ":/x:y", target)
    #expect(verbose.output == "'/x:y' -> '\(target)/x:y'\n")
    #expect(try cp("-v", image + ":/x:y", target + "//").output == verbose.output)
    #expect(try String(contentsOfFile: target + "/x:y", encoding: .utf8) == "x\n")
    try runSuccessfully(["sh", "-c", "echo mine > '\(target)/x:y'; rm '\(target)/dir/one'"])
    let updated = try cp("-ruv", image + ":/x:y", image + ":/dir", target)
    #expect(
      updated.succeeded && !updated.output.contains("x:y") && updated.output.contains("/dir/one'\n"), "\(updated)")
    #expect(try String(contentsOfFile: target + "/x:y", encoding: .utf8) == "mine\n")
    try runSuccessfully(["touch", "-d", "1999-01-01", target + "/x:y"])
    #expect(try cp("-u", "-vt", target, image + ":/x:y").output == "'/x:y' -> '\(target)/x:y'\n")
    #expect(try String(contentsOfFile: target + "/x:y", encoding: .utf8) == "x\n")
    // A file that is kept is not what its other names become names of.
    try runSuccessfully(["sh", "-c", "mkdir '\(target)/kept-names' && echo mine > '\(target)/kept-names/one'"])
    #expect(try cp("-anT", image + ":/dir", target + "/kept-names").succeeded)
    #expect(try String(contentsOfFile: target + "/kept-names/two", encoding: .utf8) == "one\n")
    let inTheWay = try cp("-rT", image + ":/dir", target + "/x:y")
    #expect(inTheWay.status == 73 && inTheWay.errors.contains("no folder"), "\(inTheWay)")
    let twice = try cp("-r", image + ":/dir/one", image + ":/dir/one", target)
    #expect(twice.status == 73 && twice.errors.contains("name which is the same"), "\(twice)")
    let archive = try runSuccessfully(["sh", "-c", "\(vitrineBinary) cp '\(image):/dir' - | tar -tf -"])
    #expect(archive.output == "dir/\ndir/link\ndir/one\ndir/sub/\ndir/two\n")

    for (arguments, status, text) in [
      ([image, target], 64, "no path is given"), ([image + ":/nowhere", target], 66, "No such file"),
      ([image + ":/x:y", target + "/no/where"], 73, "cannot copy there"),
      ([image + ":/x:y", image + ":/dir", target + "/new"], 73, "is no folder"),
      (["/nowhere.img:/x", target], 66, "cannot open"),
      (["-t", target + "/new", image + ":/x:y"], 73, "is no folder to copy into"),
      ([image + ":/x:y", target + "/new/"], 73, "is no folder to copy into"),
      ([image + ":/x:y", target + "/x:y/"], 73, "is no folder to copy into"),
      (["-T", "-t", target, image + ":/x:y"], 64, "-t names a folder"), (["-t", target], 64, "Missing expected"),
    ] as [([String], Int32, String)] {
      let result = try run([vitrineBinary, "cp"] + arguments)
      #expect(result.status == status && result.errors.contains(text), "\(arguments): \(result)")
      #expect(result.errors.split(separator: "\n").count == 1)
    }
  }

  /// A copy onto /dev/null or a pipe is a mistake, and leaves it what it is.
  @Test(.enabled(if: Privileges.isRoot)) func streamsAreNotReplaced() throws {
    let source = try Fixture("demo", "disk").image() + ":/p2/welcome.txt"
    try runSuccessfully(
      [
        "sh", "-c",
        """
        mkdir folder && mknod folder/welcome.txt c 1 3 && mknod null c 1 3 && mkfifo pipe && ln -s null link &&
        ln -s /proc/self/fd/1 stdout && touch out
        """,
      ], in: folder.url)
    let before = try runSuccessfully(["sh", "-c", "stat -c '%N %F %i' * folder/*"], in: folder.url).output
    for target in ["null", "pipe", "link", "stdout", "folder", "folder/welcome.txt"] {
      for option in ["-q", "-a"] {
        let line = "'\(vitrineBinary)' cp \(option) '\(source)' \(target) > out"
        let result = try run(["sh", "-c", line], in: folder.url)
        #expect(result.status == 73 && result.errors.contains("use vitrine cat"), "\(target): \(result)")
        #expect(result.errors.split(separator: "\n").count == 1)
      }
    }
    #expect(try runSuccessfully(["sh", "-c", "stat -c '%N %F %i' * folder/*"], in: folder.url).output == before)
  }

  /// What mkdir(2) gives a folder, and what it takes from the one above, is there after `cp -r`, as after that of cp(1).
  @Test func foldersHaveWhatMkdirGivesThem() throws {
    try runSuccessfully(
      [
        "sh", "-c",
        """
        mkdir -p tree/open/sub tree/own && chmod 1777 tree/open && chmod 2770 tree/own && truncate -s 4M modes.img &&
        mke2fs -q -t ext4 -d tree modes.img && mkdir ours theirs && chmod 2775 ours theirs && umask 027 &&
        cp -r tree/open tree/own theirs && '\(vitrineBinary)' cp -r modes.img:open modes.img:own ours
        """,
      ], in: folder.url)
    let modes = { (folder: String) throws -> String in
      try runSuccessfully(["sh", "-c", "cd \(folder) && stat -c '%a %n' open open/sub own"], in: self.folder.url).output
    }
    #expect(try modes("ours") == "3750 open\n2750 open/sub\n2750 own\n")
    #expect(try modes("theirs") == modes("ours"))
  }

  /// An ordinary user, with no /dev/fuse: owners cannot be kept, and nobody gets to act as somebody else by that.
  @Test(.enabled(if: Privileges.isRoot)) func ordinaryUsersCopyWhatTheyMay() throws {
    try runSuccessfully(
      [
        "sh", "-c",
        """
        mkdir -p tree/private && cp /bin/true tree/setuid && chmod 6755 tree/setuid && echo s > tree/private/s &&
        chmod 0700 tree/private && mknod tree/null c 1 3 && mkfifo tree/fifo && chown 1234:1234 tree/private/s &&
        truncate -s 8M own.img && mke2fs -q -t ext4 -d tree own.img && cp '\(vitrineBinary)' vitrine &&
        mkdir user root && chown 65534:65534 user && chmod a+rx . vitrine && chmod a+r own.img
        """,
      ], in: folder.url)
    let script = """
      mount -t tmpfs none /dev && mknod -m 666 /dev/null c 1 3 && cd '\(folder.path)' && exec setpriv \\
        --reuid 65534 --regid 65534 --clear-groups --no-new-privs ./vitrine cp -a own.img:/ user
      """
    let result = try runApart(["sh", "-c", script])
    #expect(result.status == 77, "\(result)")
    #expect(result.errors.contains("root only") && result.errors.split(separator: "\n").count == 1, "\(result)")
    let facts = "stat -c '%A %u:%g %n' setuid private private/s fifo"
    #expect(
      try runSuccessfully(["sh", "-c", facts], in: folder.url.appendingPathComponent("user")).output == """
        -rwxr-xr-x 65534:65534 setuid
        drwx------ 65534:65534 private
        -rw-r--r-- 65534:65534 private/s
        prw-r--r-- 65534:65534 fifo

        """)
    #expect(try cp("-a", folder.path + "/own.img:/", folder.path + "/root").succeeded)
    #expect(
      try runSuccessfully(["sh", "-c", facts], in: folder.url.appendingPathComponent("root")).output == """
        -rwsr-sr-x 0:0 setuid
        drwx------ 0:0 private
        -rw-r--r-- 1234:1234 private/s
        prw-r--r-- 0:0 fifo

        """)
  }
}
