import Foundation
import TestSupport
import Testing

/// `vitrine manifest` and `vitrine diff`.
@Suite(.serialized) struct CompareTests {
  private let folder: TemporaryDirectory

  init() throws { folder = try TemporaryDirectory(prefix: "vitrine-compare") }

  @Test(.enabled(if: Privileges.hasKernelDriver), arguments: ["extents", "names", "inline-data"])
  func manifestsHaveTheDigestsOfAMount(_ name: String) throws {
    let fixture = Fixture("ext4", name)
    let image = try fixture.image()
    let manifest = try runSuccessfully([vitrineBinary, "manifest", image]).output
    #expect(try runSuccessfully([vitrineBinary, "manifest", image]).output == manifest)
    let path = folder.path + "/list.mtree"
    try manifest.write(toFile: path, atomically: true, encoding: .utf8)
    let digests = manifest.split(separator: "\n").compactMap { $0.split(separator: "sha256digest=").dropFirst().first }
    try fixture.withKernelMount { mount in
      let script = "find . -type f -exec sha256sum {} + | sed 's/^\\\\\\\\*//' | cut -d ' ' -f 1 | sort"
      let wanted = try runSuccessfully(["sh", "-c", script], in: URL(fileURLWithPath: mount)).output
      #expect(digests.sorted().joined(separator: "\n") + "\n" == wanted, "\(fixture)")
      // As libarchive reads it.
      let names = try runSuccessfully([
        "sh", "-c", "cd '\(mount)' && bsdtar -cf - . | bsdtar -tf - | sed 's|/$||' | sort",
      ])
      let listed = try runSuccessfully(["sh", "-c", "bsdtar -tf '\(path)' | sed 's|/$||' | sort"])
      #expect(listed.output == names.output, "\(fixture)")
    }
  }

  /// mtree(8) finds what the list says in the kernel's mount, and what has been changed in a copy. It takes names with
  /// asterisks for patterns, its own lists' too, so there are none of those.
  @Test(
    .enabled(if: Privileges.hasKernelDriver),
    arguments: ["extents", "inline-data", "special-files", "symlinks", "hard-links", "times"])
  func manifestsAreCheckedByMtree(_ name: String) throws {
    let fixture = Fixture("ext4", name)
    let path = folder.path + "/list.mtree"
    try runSuccessfully(["sh", "-c", "'\(vitrineBinary)' manifest '\(fixture.image())' > '\(path)'"])
    try fixture.withKernelMount { mount in
      // It cannot say before 1970.
      let check = "mtree -f '\(path)' -p '\(mount)' | grep -v '19[0-6][0-9]'"
      let result = try run(["sh", "-c", name == "times" ? check : "mtree -f '\(path)' -p '\(mount)'"])
      let complaints = result.output.split(separator: "\n").filter { name != "times" || $0.contains("extra") }
      #expect(complaints.isEmpty && (result.succeeded || name == "times"), "\(fixture): \(result)")
      guard name == "extents" else { return }
      let copy = folder.path + "/changed"
      try runSuccessfully([
        "sh", "-c", "cp -a '\(mount)' '\(copy)' && cd '\(copy)' && echo x > \"$(find . -type f | head -n 1)\"",
      ])
      let changed = try run(["mtree", "-f", path, "-p", copy])
      #expect(changed.status == 2 && changed.output.contains("sha256"), "\(changed)")
    }
  }

  /// What `diff -r` tells of two folders, of an image and a folder, and of two images.
  @Test(.enabled(if: Privileges.isRoot)) func differencesAreThoseOfDiff() throws {
    try runSuccessfully(
      [
        "sh", "-c",
        """
        mkdir -p one/dir/sub one/gone/deep && cd one && for f in a b dir/c dir/sub/d gone/e gone/deep/f; do echo $f > $f; done
        ln -s a link && ln -s a same && mkfifo fifo && truncate -s 3M sparse && head -c 3000000 /dev/urandom > big &&
        echo x > "odd name" && echo y > -dash && cd .. && cp -a one two && cd two && echo other > dir/sub/d && rm -r gone &&
        mkdir new && echo n > new/n && ln -sfn b link && rm b && mkdir b && echo z > b/z && cp sparse s && cat s > sparse &&
        rm s && printf X | dd of=big bs=1 seek=2999999 conv=notrunc status=none && echo y2 > -dash && rm fifo && echo > fifo
        cd .. && for i in one two; do truncate -s 24M $i.img && mke2fs -q -t ext4 -d $i $i.img && mkdir -m 700 $i/lost+found; done
        """,
      ], in: folder.url)
    // Each name that diff tells of, with a letter; what lies in folders that are there once only is not told by it.
    let wanted = try run(
      [
        "sh", "-c",
        """
        LC_ALL=C diff -rq --no-dereference one two | sed -E -e 's/^Files one(.*) and two.* differ$/C \\1/' \\
          -e 's/^Symbolic links one(.*) and two.* differ$/C \\1/' -e 's/^File one(.*) is a .* while .*$/C \\1/' \\
          -e 's/^Only in one(.*): (.*)$/D \\1\\/\\2/' -e 's/^Only in two(.*): (.*)$/A \\1\\/\\2/' | sort
        """,
      ], in: folder.url)
    #expect(wanted.output.split(separator: "\n").count == 8, "\(wanted.output)")
    for sides in [
      ["one", "two"], ["one.img", "two"], ["one", "two.img"], ["one.img", "two.img"], ["one.img:/", "two/"],
    ] {
      let found = try run([vitrineBinary, "diff", "-r", "--ignore", "mode,owner,xattrs"] + sides, in: folder.url)
      #expect(found.status == 1 && found.errors.isEmpty, "\(sides): \(found)")
      let lines = found.output.split(separator: "\n").map { $0.split(separator: " (").first ?? $0 }
      let told = lines.filter { !$0.hasPrefix("D /gone/") && !$0.hasPrefix("A /new/") && !$0.hasPrefix("A /b/") }
      #expect(told.sorted().joined(separator: "\n") + "\n" == wanted.output, "\(sides): \(found.output)")
      // And the other way round.
      let reversed = try run(
        [vitrineBinary, "diff", "--ignore", "mode,owner,xattrs"] + sides.reversed(), in: folder.url)
      #expect(reversed.output.filter { $0 == "\n" }.count >= 8 && reversed.status == 1)
    }
    for sides in [["one", "one.img"], ["two.img", "two"]] {
      let same = try run([vitrineBinary, "diff"] + sides, in: folder.url)
      #expect(same.status == 0 && same.output.isEmpty && same.errors.isEmpty, "\(sides): \(same)")
    }
  }

  @Test func manifestsCanBeJSONOrWithoutDigests() throws {
    let image = try Fixture("ext4", "extents").image()
    let plain = try runSuccessfully([vitrineBinary, "manifest", "--hash", "none", image]).output
    #expect(plain.hasPrefix("#mtree\n. type=dir ") && !plain.contains("digest"))
    let json = try runSuccessfully([vitrineBinary, "manifest", "--json", "--hash", "sha512", image]).output
    let objects = try #require(try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [[String: Any]])
    #expect(objects.count == plain.split(separator: "\n").count - 1)
    for object in objects where object["type"] as? String == "file" {
      #expect((object["sha512"] as? String)?.count == 128)
    }
  }

  private func diff(_ arguments: String...) throws -> CommandResult { try run([vitrineBinary, "diff"] + arguments) }

  @Test(.enabled(if: Privileges.isRoot)) func differencesAreTold() throws {
    let image = folder.path + "/one.img"
    try runSuccessfully(
      [
        "sh", "-c",
        """
        mkdir -p tree/dir && echo one > tree/dir/one && ln -s one tree/dir/link && echo two > tree/two && echo z > tree/dir.x &&
        head -c 3000000 /dev/urandom > tree/big && truncate -s 16M one.img && mke2fs -q -t ext4 -d tree one.img &&
        cp one.img two.img && '\(vitrineBinary)' cp -a one.img:/ copy
        """,
      ], in: folder.url)
    let copy = folder.path + "/copy"
    for (first, second) in [(image, image), (image, copy), (copy, image), (image, folder.path + "/two.img")] {
      let same = try diff("-t", first, second)
      #expect(same.status == 0 && same.output.isEmpty && same.errors.isEmpty, "\(first) \(second): \(same)")
    }
    try runSuccessfully(
      [
        "sh", "-c",
        """
        rm dir/link && mkdir dir/link && touch dir/link/new && chmod 600 two && chown 5:6 dir.x && rm -r lost+found &&
        printf X | dd of=big bs=1 seek=2500000 conv=notrunc status=none && setfattr -n user.a -v b dir && touch -d 2000-01-01 dir/one
        """,
      ], in: URL(fileURLWithPath: copy))
    let changed = try diff(image, copy)
    #expect(changed.status == 1 && changed.errors.isEmpty)
    #expect(
      changed.output == """
        C /big (content)
        C /dir (xattrs)
        C /dir/link (symlink is directory, mode 0777 is 0755)
        A /dir/link/new
        C /dir.x (owner 0:0 is 5:6)
        D /lost+found
        C /two (mode 0644 is 0600)

        """)
    let ignoring = try diff("--ignore", "content,mode", "--ignore=xattrs,owner", "-t", image + ":/", copy)
    for line in ["C /dir (times)", "C /dir/link (symlink is directory, times)", "C /dir/one (times)"] {
      #expect(ignoring.output.split(separator: "\n").contains(Substring(line)), "\(ignoring.output)")
    }
    for absent in ["mode", "owner", "xattrs", "content"] { #expect(!ignoring.output.contains(absent)) }
    let part = try diff(image + ":/dir", copy + "/dir", "--json")
    let objects = try #require(try JSONSerialization.jsonObject(with: Data(part.output.utf8)) as? [[String: Any]])
    #expect(objects.map { $0["path"] as? String } == ["/", "/link", "/link/new"])
    #expect(objects.map { $0["change"] as? String } == ["changed", "changed", "added"])
    let brief = try diff("-q", image, copy)
    #expect(brief.status == 1 && brief.output.isEmpty)
    for arguments in [[image, "/nowhere"], [image + ":/nowhere", copy]] {
      let result = try run([vitrineBinary, "diff"] + arguments)
      #expect(result.status == 2 && result.errors.split(separator: "\n").count == 1, "\(result)")
    }
    #expect(try diff("--ignore", "nothing", image, copy).status == 64)
  }

  @Test func whatCannotBeReadIsTrouble() throws {
    let image = try Fixture("ext4", "should-fail-checksum-inode").image()
    let result = try diff(image, folder.path)
    #expect(result.status == 2 && result.errors.contains("checksum") && result.output.contains("D /"), "\(result)")
  }
}
