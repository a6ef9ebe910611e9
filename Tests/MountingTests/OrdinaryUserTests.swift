import Foundation
@testable import Mounting
import TestSupport
import Testing

/// Mounts of a person who is not root, by way of fusermount3.
@Suite(.serialized, .enabled(if: Privileges.hasFUSE && Privileges.isRoot)) struct OrdinaryUserTests {
  private static let user = "65534"
  private let folder: TemporaryDirectory
  private var point: String { folder.path + "/mnt" }
  private var image: String { folder.path + "/own.img" }
  private var binary: String { folder.path + "/vitrine" }

  init() throws {
    folder = try TemporaryDirectory(prefix: "vitrine-user")
    // The program may lie where only root can look.
    try runSuccessfully(["cp", vitrineBinary, folder.path + "/vitrine"])
    try runSuccessfully(["cp", "--sparse=always", Fixture("ext4", "extents").image(), folder.path + "/own.img"])
    try FileManager.default.createDirectory(atPath: folder.path + "/mnt", withIntermediateDirectories: false)
    try runSuccessfully(["chown", Self.user, folder.path + "/mnt"])
    try runSuccessfully(["chmod", "0755", folder.path, folder.path + "/vitrine"])
    try runSuccessfully(["chmod", "0644", folder.path + "/own.img"])
    // As it is on every system with a desktop; some containers keep it for root.
    try runSuccessfully(["chmod", "0666", "/dev/fuse"])
  }

  private func asUser(_ command: String...) throws -> CommandResult {
    try run(
      ["setpriv", "--reuid", Self.user, "--regid", Self.user, "--clear-groups"] + command, timeout: 60)
  }

  @Test func mountsReadsAndUnmounts() throws {
    let mounted = try asUser(binary, image, point, "-o", "ro,nonempty,reply=splice")
    #expect(mounted.succeeded, "\(mounted.errors)")
    defer { _ = try? run(["umount", "-l", point]) }
    let entry = try #require(MountTable.current()?.last(at: MountPoint.resolve(folder.path) + "/mnt"))
    #expect(entry.superOptions.contains("user_id=\(Self.user)"))
    #expect(try asUser("sh", "-c", "find '\(point)' -type f -exec cat {} + | wc -c").output != "0\n")
    let result = try asUser(binary, "umount", point)
    #expect(result.succeeded, "\(result.errors)")
    #expect(try MountTable.current()?.last(at: MountPoint.resolve(folder.path) + "/mnt") == nil)
  }

  @Test func whatIsNotPermittedIsSaidSo() throws {
    let other = try asUser(binary, image, "/mnt", "-o", "nonempty")
    #expect(other.status == 77 && other.errors.contains("not yours"), "\(other.errors)")
    try runSuccessfully(["chmod", "0600", image])
    let unreadable = try asUser(binary, image, point)
    #expect(unreadable.status == 77, "\(unreadable.errors)")
    try runSuccessfully(["chmod", "0644", image])
    let configuration = (try? String(contentsOfFile: "/etc/fuse.conf", encoding: .utf8)) ?? ""
    if !configuration.split(separator: "\n").contains("user_allow_other") {
      let others = try asUser(binary, image, point, "-o", "allow_other")
      #expect(others.status == 77 && others.errors.contains("user_allow_other"), "\(others.errors)")
    }
    for result in [other, unreadable] { #expect(result.errors.split(separator: "\n").count == 1) }
  }

  @Test func someoneElsesMountStays() throws {
    try runSuccessfully([binary, image, point, "-o", "allow_other"])
    defer { _ = try? run([binary, "umount", point]) }
    let result = try asUser(binary, "umount", point)
    #expect(result.status == 77, "\(result.errors)")
    #expect(try asUser("ls", point).succeeded)
  }

  /// Runs a line of sh(1) as the user, with the program as $V and the image as $I, in a folder of the user's.
  private func userLine(_ line: String, _ prefix: [String] = []) throws -> CommandResult {
    try runSuccessfully(["chown", Self.user, folder.path])
    return try run(
      ["setpriv", "--reuid", Self.user, "--regid", Self.user, "--clear-groups"] + prefix + ["sh", "-c", line],
      environment: ["V": binary, "I": image, "TMPDIR": folder.path, "XDG_RUNTIME_DIR": ""], in: folder.url, timeout: 60)
  }

  private var left: [String] {
    let folders = ((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? [])
      .filter { $0.hasPrefix("vitrine-") }
    return folders + (MountTable.current()?.entries ?? []).map(\.mountPoint).filter { $0.hasPrefix(folder.path) }
  }

  /// With owners as the image has them, in a mount that others do not see into.
  @Test func runsACommand() throws {
    let result = try userLine(
      #"""
      "$V" run "$I" sh -c 'stat -c %u "$VITRINE_MOUNT/lost+found"; id -u; findmnt -n -o FSTYPE -T "$VITRINE_MOUNT"
      ls "$VITRINE_MOUNT" >/dev/null && exit 5'; echo $?
      """#)
    #expect(result.output == "0\n\(Self.user)\nfuse.vitrine\n5\n", "\(result)")
    #expect(left.isEmpty, "\(left)")
  }

  /// In a user namespace; also where set-user-ID programs have no rights, as in many containers.
  @Test(arguments: [["--private", ""], ["", "--no-new-privs"]])
  func runsACommandInANamespace(_ way: [String]) throws {
    let (option, prefix) = (way[0], way[1])
    guard try run(["setpriv", "--reuid", Self.user, "--clear-groups", "unshare", "-Ur", "true"]).succeeded else {
      // A system that has none says so.
      let result = try userLine(#""$V" run \#(option) "$I" true"#, prefix.isEmpty ? [] : [prefix])
      #expect(result.status == 77 && result.errors.contains("namespace"), "\(result)")
      return
    }
    let result = try userLine(
      #"""
      "$V" run \#(option) "$I" sh -c 'id -u; findmnt -n -o FSTYPE -T "$VITRINE_MOUNT"; "$V" mounts -n | wc -l
      find "$VITRINE_MOUNT" -type f -exec cat {} + | sha256sum; grep CapEff /proc/self/status; exit 5'; echo $?
      """#, prefix.isEmpty ? [] : [prefix])
    let lines = result.output.split(separator: "\n")
    try #require(lines.count == 6, "\(result)")
    #expect(lines[0] == Self.user && lines[1] == "fuse.vitrine" && lines[5] == "5", "\(result)")
    let plain = try userLine(#""$V" run "$I" sh -c 'find "$VITRINE_MOUNT" -type f -exec cat {} + | sha256sum'"#)
    #expect(lines[3] == plain.output.split(separator: "\n").first, "\(result)")
    // The command has no more rights than the person.
    #expect(lines[4].split(separator: "\t").last == "0000000000000000")
    #expect(left.isEmpty, "\(left)")
  }

  @Test func whatIsInUseIsUnmountedNevertheless() throws {
    let result = try userLine(
      #"""
      "$V" run "$I" sh -c 'exec 3<"$VITRINE_MOUNT"; sleep 60 </dev/null >/dev/null 2>&1 & echo $!' >user; echo $?
      kill $(cat user); echo "($(cat user))"
      """#)
    let lines = result.output.split(separator: "\n")
    #expect(lines.count == 2 && lines[0] == "0" && result.errors.contains(lines[1]), "\(result)")
    #expect(left.isEmpty, "\(left)")
  }

  @Test func scriptsAreToldAndIdleMountsGo() throws {
    let result = try userLine(
      #"""
      { "$V" "$I" a/b --mkdir --ready-fd 7 --pid-file pid -o timeout=2 7>&1 >/dev/null; } | wc -c
      ls a/b >/dev/null && "$V" mounts -n | grep -c "$PWD/a/b"
      (cd a/b; sleep 5); "$V" mounts -n | grep -c "$PWD/a/b"
      sleep 5; ls -d a pid 2>/dev/null; "$V" umount a; echo $?
      """#)
    #expect(result.output == "1\n1\n1\n64\n", "\(result)")
    #expect(left.isEmpty, "\(left)")
  }
}
