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
}
