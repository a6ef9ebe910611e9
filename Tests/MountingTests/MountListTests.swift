import Browsing
import Foundation
@testable import Mounting
import TestSupport
import Testing

/// `vitrine mounts`, and `vitrine umount` of what it shows.
@Suite(.enabled(if: Privileges.hasFUSE)) struct MountListTests {
  private struct List: Decodable {
    struct Mount: Decodable {
      let image, mountpoint, state, fstype, options: String
      let partition, snapshot, view: String?
      let pid: Int32?
    }

    let mounts: [Mount]
  }

  private struct Found: Decodable {
    struct FileSystem: Decodable { let target, source, fstype, options: String }
    let filesystems: [FileSystem]
  }

  private let contract: Contract

  init() throws { contract = try Contract(Fixture("demo", "disk")) }

  private func list() throws -> [List.Mount] {
    let output = try runSuccessfully([vitrineBinary, "mounts", "--json"]).output
    let base = try MountPoint.resolve(contract.folder.path)
    return try JSONDecoder().decode(List.self, from: Data(output.utf8)).mounts
      .filter { $0.mountpoint.hasPrefix(base) }
  }

  @Test func mountsAreThoseOfFindmnt() throws {
    defer { contract.cleanUp() }
    try #require(
      try contract.sh(
        #"""
        "$V" "$I" a --mkdir --pid-file pid && "$V" "$I" 'b c' --mkdir -p LABEL=showcase -o subtype=mine,fsname=other,noexec
        """#
      ).succeeded)
    let mounts = try list()
    try #require(mounts.count == 2)
    let json = try runSuccessfully(["findmnt", "--json", "--list", "-o", "TARGET,SOURCE,FSTYPE,OPTIONS"]).output
    let found = try JSONDecoder().decode(Found.self, from: Data(json.utf8)).filesystems
    for mount in mounts {
      let same = try #require(found.first { $0.target == mount.mountpoint })
      #expect(same.fstype == mount.fstype && same.options == mount.options)
      #expect(try mount.image == MountPoint.resolve(contract.image))
      #expect(mount.state == "live")
    }
    #expect(found.first { $0.target == mounts[0].mountpoint }?.source == mounts[0].image)
    #expect(mounts[0].view == "disk" && mounts[0].partition == nil)
    #expect(mounts[1].view == "filesystem" && mounts[1].partition == "LABEL=showcase")
    #expect(mounts[1].fstype == "fuse.mine")
    let process = try String(contentsOfFile: contract.path("pid"), encoding: .utf8)
    #expect(mounts[0].pid.map { "\($0)\n" } == process)

    let lines = try runSuccessfully([vitrineBinary, "mounts"]).output.split(separator: "\n")
    #expect(lines.first?.split(separator: " ") == ["IMAGE", "MOUNTPOINT", "VOLUME", "PID", "OPTIONS"])
    let own = lines.filter { $0.contains(contract.folder.path) }
    #expect(own.count == 2 && own[1].contains(" LABEL=showcase ") && own[1].contains("/b c "))
    // Other tests' mounts come and go.
    let bare = try runSuccessfully([vitrineBinary, "mounts", "-n"]).output.split(separator: "\n")
    func words(_ lines: [Substring]) -> [[Substring]] { lines.map { $0.split(separator: " ") } }
    #expect(words(bare.filter { $0.contains(contract.folder.path) }) == words(own))
  }

  /// Somebody who has a mount namespace of his own keeps what was mounted when he made it.
  @Test(.enabled(if: Privileges.isRoot)) func whoKeepsAMountElsewhereIsNamed() throws {
    defer { contract.cleanUp() }
    let result = try contract.sh(
      #"""
      "$V" "$I" a --mkdir && unshare --mount sh -c '
        cut -d " " -f 2,3 /proc/self/mounts | grep " fuse" | grep -v "^$PWD/a " | cut -d " " -f 1 | xargs -r umount
        echo $$ >keeper; exec sleep 600' &
      while ! [ -s keeper ]; do sleep 0.1; done
      "$V" umount a 2>said &
      while ! [ -s said ]; do sleep 0.1; done
      kill $(cat keeper); wait; cat said; echo "sleep ($(cat keeper))"; ls -d a
      """#)
    let lines = result.output.split(separator: "\n")
    #expect(lines.count == 2 && lines[0].contains("mount namespaces") && lines[0].contains(lines[1]), "\(result)")
    #expect(contract.mounted.isEmpty)
  }

  @Test func deadMountsAreShownAsDead() throws {
    defer { contract.cleanUp() }
    try #require(try contract.sh(#""$V" "$I" a --mkdir --pid-file pid && kill -KILL $(cat pid)"#).succeeded)
    #expect(Contract.eventually { (try? list().first?.state) == "dead" })
    let mount = try #require(try list().first)
    #expect(try mount.pid == nil && mount.image == MountPoint.resolve(contract.image))
    #expect(try contract.sh(#""$V" umount a"#).succeeded)
    #expect(try list().isEmpty)
  }

  /// A server that has been stopped does not answer, and must not be waited for.
  @Test func stoppedServersAreNotWaitedFor() throws {
    defer { contract.cleanUp() }
    try #require(try contract.sh(#""$V" "$I" a --mkdir --pid-file pid && kill -STOP $(cat pid)"#).succeeded)
    let start = Date()
    #expect(try list().first?.state == "live")
    #expect(Date().timeIntervalSince(start) < 10)
    try contract.sh(#"kill -CONT $(cat pid)"#)
    #expect(try contract.sh(#""$V" umount a"#).succeeded)
  }

  /// A server that outlasts its mount has a mark for the device number, which the next mount may get.
  @Test func theServerThatCameLastAnswersForADeviceNumber() throws {
    defer { contract.cleanUp() }
    try #require(try contract.sh(#""$V" "$I" a --mkdir"#).succeeded)
    let point = try MountPoint(mounted: MountPoint.resolve(contract.path("a")))
    func mark(_ image: String) throws -> ReleaseMark {
      try #require(
        ReleaseMark(
          for: point, describing: MountDescription(image: image, partition: nil, snapshot: nil, view: .disk)))
    }
    let second = try mark("/second")
    #expect(try list().map(\.image) == ["/second"])
    #expect(try list().first?.pid == ProcessInfo.processInfo.processIdentifier)
    let third = try mark("/third")
    // What is free below does not count.
    second.close()
    let fourth = try mark("/fourth")
    #expect(try list().map(\.image) == ["/fourth"])
    fourth.close()
    #expect(try list().map(\.image) == ["/third"])
    third.close()
    #expect(try list().map(\.image) == [MountPoint.resolve(contract.image)])
    #expect(try contract.sh(#""$V" umount a"#).succeeded)
  }

  @Test func severalAreUnmountedAtOnce() throws {
    defer { contract.cleanUp() }
    let result = try contract.sh(
      #"for m in a b c; do "$V" "$I" $m --mkdir; done; "$V" umount a nothing b c"#)
    #expect(result.status == 64 && result.errors.contains("nothing") && result.errors.split(separator: "\n").count == 1)
    #expect(contract.mounted.isEmpty && !contract.exists("a") && !contract.exists("b") && !contract.exists("c"))
    let quiet = try contract.sh(#""$V" umount -q a"#)
    #expect(quiet.status == 64 && quiet.errors.isEmpty)
  }

  @Test func anImageIsUnmountedByItsPath() throws {
    defer { contract.cleanUp() }
    // The source that the mount table shows is not what counts.
    let once = try contract.sh(
      #""$V" "$I" a --mkdir -o fsname=x && ln -s own.img link && "$V" umount link; echo $?; "$V" umount own.img"#)
    #expect(once.output == "0\n" && once.status == 64 && once.errors.contains("nor an image"), "\(once)")
    let twice = try contract.sh(#""$V" "$I" a --mkdir; "$V" "$I" b --mkdir; "$V" umount own.img"#)
    #expect(twice.status == 64 && twice.errors.contains("2 times") && twice.errors.contains("/b"), "\(twice)")
    #expect(contract.mounted.count == 2)
    #expect(try contract.sh(#""$V" umount a && "$V" umount own.img"#).succeeded)
    #expect(contract.mounted.isEmpty)
  }
}
