import Foundation
import TestSupport
import Testing

@testable import Copying

/// Copies that come to no good end.
@Suite(.serialized) struct CopyEndTests {
  private let folder: TemporaryDirectory

  init() throws { folder = try TemporaryDirectory(prefix: "vitrine-cp-end") }

  /// At points that differ with each round: at the start, while the image is opened, and in the middle of contents.
  @Test(
    .enabled(if: Privileges.hasKernelDriver),
    arguments: [("INT", 130), ("TERM", 143), ("HUP", 129)] as [(String, Int32)])
  func anInterruptedCopyLeavesNothing(_ signal: String, _ status: Int32) throws {
    let disk = try EndlessDisk()
    let archive = disk.target + "/archive.tar"
    for delay in ["0.02", "0.1", "0.4"] {
      for arguments in [
        ["cp", "-q", "--view", "disk", disk.device + ":/disk.raw", disk.target],
        ["cp", "-q", "-r", "--view", "disk", disk.device + ":/", disk.target + "/all"],
        ["tar", "--view", "disk", "-f", archive, disk.device, "/disk.raw"],
        ["manifest", "--view", "disk", disk.device],
      ] {
        let result = try run(
          ["timeout", "--preserve-status", "-s", signal, delay, vitrineBinary] + arguments, timeout: 60)
        #expect(result.status == status && result.errors.isEmpty, "\(arguments) \(delay): \(result)")
        #expect(try disk.left.replacingOccurrences(of: "all\n", with: "") == "", "\(arguments)")
        #expect(try runSuccessfully(["find", disk.target, "-type", "f"]).output == "", "\(arguments)")
      }
    }
  }

  @Test(.enabled(if: Privileges.hasKernelDriver)) func aClosedPipeEndsAnArchive() throws {
    let disk = try EndlessDisk()
    let line = "\(vitrineBinary) tar --view disk \(disk.device) /disk.raw"
    let result = try run(["sh", "-c", "\(line) | head -c 100000 | wc -c"], timeout: 60)
    #expect(result.output == "100000\n" && result.errors.isEmpty)
    let ignoring = try run(
      ["sh", "-c", "trap '' PIPE; { \(line); echo $? >&2; } | head -c 1000 > /dev/null"], timeout: 60)
    #expect(ignoring.errors == "74\n")
  }

  @Test(.enabled(if: Privileges.isRoot)) func aFullDiskIsSaidAndLeavesNoParts() throws {
    let image = folder.path + "/files.img"
    try runSuccessfully(
      [
        "sh", "-c",
        """
        mkdir tree full && for i in 1 2 3 4 5; do head -c 700000 /dev/urandom > tree/$i; done &&
        truncate -s 16M files.img && mke2fs -q -t ext4 -d tree files.img
        """,
      ], in: folder.url)
    try runSuccessfully(["mount", "-t", "tmpfs", "-o", "size=2m", "none", folder.path + "/full"])
    defer { _ = try? run(["umount", folder.path + "/full"]) }
    let result = try run([vitrineBinary, "cp", "-a", image + ":/", folder.path + "/full"])
    #expect(result.status == 74 && result.errors.contains("No space left"), "\(result)")
    #expect(result.errors.split(separator: "\n").count == 1)
    let kept = try runSuccessfully(["sh", "-c", "rmdir full/lost+found; ls -A full"], in: folder.url).output
    #expect(kept == "1\n2\n")
    #expect(try runSuccessfully(["sh", "-c", "for i in 1 2; do cmp tree/$i full/$i; done"], in: folder.url).succeeded)
    let archive = try run([vitrineBinary, "tar", "-f", folder.path + "/full/a.tar", image])
    #expect(archive.status == 74 && archive.errors.contains("No space left"), "\(archive)")
    #expect(try runSuccessfully(["ls", "-A", "full"], in: folder.url).output == kept)
  }

  /// Where a filesystem has no files without names.
  @Test func aPartialFileHasNoFinalName() throws {
    let target = try HostFolder(opening: Array(folder.path.utf8))
    func names() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() }
    var file: NewFile? = try target.makeNamedFile(permissions: 0o644)
    #expect(try names().count == 1 && names()[0].hasSuffix(".part"))
    file = nil
    #expect(try names() == [])
    for makesNamed in [true, false] {
      for replaces in [false, true] {
        file = try makesNamed ? target.makeNamedFile(permissions: 0o644) : target.makeFile(permissions: 0o644)
        #expect(try names().filter { !$0.hasPrefix(".") } == (replaces ? ["final"] : []))
        if replaces { #expect(throws: (any Error).self) { try file?.place(as: Array("final".utf8)) } }
        try file?.place(as: Array("final".utf8), replaces: replaces)
        file = nil
        #expect(try names() == ["final"])
      }
      try runSuccessfully(["rm", folder.path + "/final"])
    }
  }
}
