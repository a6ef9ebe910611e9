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
