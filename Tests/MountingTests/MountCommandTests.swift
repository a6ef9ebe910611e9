import Foundation
@testable import Mounting
import TestSupport
import Testing

/// The built program, as people run it.
@Suite(.enabled(if: Privileges.hasFUSE)) struct MountCommandTests {
  private let image: String
  private let folder: TemporaryDirectory
  private var point: String { folder.url.appendingPathComponent("mnt").path }

  init() throws {
    image = try Fixture("ext4", "extents").image()
    folder = try TemporaryDirectory(prefix: "vitrine-command")
    try FileManager.default.createDirectory(atPath: point, withIntermediateDirectories: false)
  }

  private func vitrine(_ arguments: String...) throws -> CommandResult {
    try run([vitrineBinary] + arguments, timeout: 60)
  }

  private func withMount<R>(_ arguments: String..., body: () throws -> R) throws -> R {
    let result = try run([vitrineBinary, image, point] + arguments, timeout: 60)
    try #require(result.succeeded, "\(result.errors)")
    defer {
      if isMounted { _ = try? vitrine("umount", "--lazy", point) }
    }
    return try body()
  }

  private var isMounted: Bool { MountTable.current()?.last(at: resolved) != nil }
  private var resolved: String { (try? MountPoint.resolve(folder.path)).map { $0 + "/mnt" } ?? point }

  private func names() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: point) }

  /// Processes that have the image open.
  private func users(of image: String) -> [String] {
    let target = (try? MountPoint.resolve(image)) ?? image
    let files = FileManager.default
    return ((try? files.contentsOfDirectory(atPath: "/proc")) ?? []).filter { process in
      Int32(process) != nil
        && ((try? files.contentsOfDirectory(atPath: "/proc/\(process)/fd")) ?? []).contains {
          (try? files.destinationOfSymbolicLink(atPath: "/proc/\(process)/fd/\($0)")) == target
        }
    }
  }

  @Test func theMountAnswersAsTheCommandReturns() throws {
    try withMount("-o", "ro,noatime,x-anything") {
      #expect(isMounted)
      #expect(try !names().isEmpty)
      let entry = try #require(MountTable.current()?.last(at: resolved))
      #expect(entry.type == "fuse.vitrine")
      #expect(try entry.source == MountPoint.resolve(image))
    }
  }

  @Test func umountReturnsWhenTheImageIsReleased() throws {
    for _ in 0..<5 {
      let copy = folder.url.appendingPathComponent("own.img").path
      try runSuccessfully(["cp", "--sparse=always", image, copy])
      try #require(try vitrine(copy, point).succeeded)
      #expect(!users(of: copy).isEmpty)
      let result = try vitrine("umount", point)
      #expect(result.succeeded, "\(result.errors)")
      #expect(users(of: copy).isEmpty)
      #expect(!isMounted)
    }
  }

  @Test func aMountInUseStaysUnlessItIsLazy() throws {
    try withMount {
      let folder = unsafe try #require(unsafe opendir(point))
      let busy = try vitrine("umount", point)
      #expect(busy.status == 71)
      #expect(busy.errors.contains("is in use by") && busy.errors.contains("(\(getpid()))"), "\(busy.errors)")
      #expect(isMounted)
      #expect(try vitrine("umount", "--lazy", point).succeeded)
      #expect(!isMounted)
      unsafe closedir(folder)
    }
  }

  @Test func aMountPointInUseIsSaidSo() throws {
    try withMount {
      let second = try vitrine(image, point)
      #expect(second.status == 71)
      #expect(second.errors.contains("is in use"))
    }
  }

  @Test(arguments: [SIGINT, SIGTERM, SIGHUP])
  func signalsUnmount(_ signal: Int32) throws {
    let server = try foreground()
    kill(server.processIdentifier, signal)
    server.waitUntilExit()
    #expect(server.terminationReason == .exit && server.terminationStatus == 0)
    #expect(!isMounted)
  }

  @Test func theMountOfADeadServerCanBeTakenAway() throws {
    let server = try foreground()
    kill(server.processIdentifier, SIGKILL)
    server.waitUntilExit()
    #expect(isMounted)
    let again = try vitrine(image, point)
    #expect(again.status == 71)
    let result = try vitrine("umount", point)
    #expect(result.succeeded, "\(result.errors)")
    #expect(!isMounted)
  }

  private func foreground() throws -> Process {
    let server = Process()
    server.executableURL = URL(fileURLWithPath: vitrineBinary)
    server.arguments = ["mount", "--foreground", image, point]
    server.standardInput = FileHandle.nullDevice
    try server.run()
    for _ in 0..<1000 where !isMounted { usleep(10_000) }
    try #require(isMounted)
    #expect(try !names().isEmpty)
    return server
  }

  @Test func countersComeAfterUnmounting() throws {
    let errors = folder.url.appendingPathComponent("stats").path
    let script = #""$1" mount "$2" "$3" --stats 2>"$4" && ls -l "$3" >/dev/null && "$1" umount "$3""#
    try runSuccessfully(["sh", "-c", script, "sh", vitrineBinary, image, point, errors])
    let lines = try String(contentsOfFile: errors, encoding: .utf8).split(separator: "\n")
    var numbers: [Substring: Int] = [:]
    for line in lines {
      let parts = line.split(separator: " ")
      try #require(parts.count == 2)
      numbers[parts[0]] = Int(parts[1])
    }
    #expect((numbers["requests_readdirplus"] ?? 0) > 0)
    #expect(numbers["bytes_spliced"] == 0)
    let memory = try #require(numbers["peak_memory_kib"])
    #expect(memory > 0 && memory < 40 * 1024)
  }

  @Test func mistakesGetOneLineAndAStatus() throws {
    let folder = self.folder.url
    func path(_ name: String) -> String { folder.appendingPathComponent(name).path }
    try Data().write(to: URL(fileURLWithPath: path("empty.img")))
    try Data(repeating: 7, count: 65536).write(to: URL(fileURLWithPath: path("noise.img")))
    try FileManager.default.createDirectory(atPath: path("full/inside"), withIntermediateDirectories: true)
    let cases: [([String], Int32, String)] = [
      ([image], 64, "mountpoint"),
      ([image, point, "--nonsense"], 64, "--nonsense"),
      ([image, point, "-o", "rw"], 64, "read-only"),
      ([image, point, "-o", "ro,nonsense"], 64, "nonsense"),
      ([image, point, "-p", "nonsense"], 64, "nonsense"),
      ([image, point, "-p", "7"], 64, "7"),
      ([image, point, "-o", "offset=1T"], 64, "offset"),
      ([image, point, "--partition", "0", "--view", "disk"], 64, "--view"),
      ([path("empty.img"), point], 65, "empty"),
      ([path("noise.img"), point], 65, "no known filesystem"),
      ([path("missing.img"), point], 66, "missing.img"),
      ([folder.path, point], 66, "folder"),
      ([image, path("missing")], 71, "does not exist"),
      ([image, path("empty.img")], 71, "not a folder"),
      ([image, path("full")], 71, "not empty"),
      (["umount", point], 64, "not a mount point"),
      (["umount", "/proc"], 64, "not a mount of vitrine"),
    ]
    for (arguments, status, text) in cases {
      let result = try run([vitrineBinary] + arguments, timeout: 60)
      #expect(result.status == status, "\(arguments): \(result.errors)")
      #expect(result.errors.hasPrefix("vitrine: ") && result.errors.contains(text), "\(arguments): \(result.errors)")
      #expect(result.errors.split(separator: "\n").count == 1, "\(arguments): \(result.errors)")
      #expect(result.output.isEmpty)
      #expect(!isMounted)
    }
  }

  @Test func aFolderThatIsNotEmptyIsCoveredOnRequest() throws {
    try Data().write(to: URL(fileURLWithPath: point + "/here"))
    #expect(try vitrine(image, point).status == 71)
    let shown = try withMount("-o", "nonempty") { try names() }
    #expect(!shown.contains("here"))
  }

  @Test func theDiskViewOfABareFilesystemHasBoth() throws {
    try withMount("--view", "disk") {
      #expect(try names().contains("disk.raw"))
      #expect(try !FileManager.default.contentsOfDirectory(atPath: point + "/disk").isEmpty)
      try runSuccessfully(["cmp", point + "/disk.raw", image])
      let raw = try OpenFile(point + "/disk.raw")
      let original = try OpenFile(image)
      for start in [0, 5_000, 1 << 20] {
        #expect(raw.seek(start, hole: false) == original.seek(start, hole: false))
        #expect(raw.seek(start, hole: true) == original.seek(start, hole: true))
      }
    }
  }

  @Test func bytesOfWhichNothingIsKnownAreShownOnRequest() throws {
    let unknown = folder.path + "/unknown"
    try Data((0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }).write(to: URL(fileURLWithPath: unknown))
    #expect(try vitrine(unknown, point).status == 65)
    let result = try vitrine(unknown, point, "--view", "disk")
    try #require(result.succeeded, "\(result.errors)")
    defer { _ = try? vitrine("umount", point) }
    #expect(try names() == ["disk.raw"])
    try runSuccessfully(["cmp", point + "/disk.raw", unknown])
  }

  @Test(.enabled(if: Privileges.isRoot)) func mountPassesItsOptionsOn() throws {
    let binaries = URL(fileURLWithPath: vitrineBinary).deletingLastPathComponent().path
    let path = binaries + ":/usr/bin:/bin:/usr/sbin:/sbin"
    // The helper that mount(8) runs for "mount -t fuse.vitrine", which itself would only look in the system's folders.
    try runSuccessfully(
      ["mount.fuse3", image, point, "-t", "fuse.vitrine", "-o", "ro,noauto,nofail,nodev,noexec"],
      environment: ["PATH": path])
    defer { _ = try? vitrine("umount", point) }
    #expect(MountTable.current()?.last(at: resolved)?.type == "fuse.vitrine")
    #expect(try !names().isEmpty)
  }
}
