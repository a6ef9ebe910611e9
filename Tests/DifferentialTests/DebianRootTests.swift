import Foundation
import TestSupport
import Testing

/// A real system as input: a Debian root in a partitioned image, compared with the kernel's mount of it, and run.
///
/// Takes minutes and the network: under CI, or with `VITRINE_LONG_TESTS=1`.
@Suite(
  .serialized,
  .enabled(if: Privileges.runsLongTests, "set VITRINE_LONG_TESTS=1 for tests that take minutes"),
  .enabled(if: Privileges.hasKernelDriver && Privileges.hasFUSE, "needs root, loop devices and /dev/fuse"))
struct DebianRootTests {
  /// Bytes in front of the partition.
  private static let start = 1 << 20
  private static let size = 1 << 30

  @Test func treeEqualsTheKernelsAndItsProgramsRun() throws {
    let work = try TemporaryDirectory(prefix: "vitrine-debian")
    let disk = try Self.makeDisk(in: work)

    let kernel = try withKernelMount(of: disk, options: ["offset=\(Self.start)", "noload"]) {
      Listing(ofDirectory: $0)
    }
    #expect(kernel.lines.count > 5000, "this is no Debian root: \(kernel.lines.count) paths")

    try withVitrineMount(of: disk, arguments: ["--partition", "1", "-o", "allow_other"]) { (root: String) throws in
      let difference = kernel.dropping(["crtime"]).difference(
        from: Listing(ofDirectory: root).dropping(["crtime"]), named: ("kernel", "vitrine mount"))
      #expect(difference == nil, "\(difference ?? "")")
      try Self.runPrograms(in: root)
    }

    // The same by the tree that a mount of the whole disk shows.
    try withVitrineMount(of: disk) { (top: String) throws in
      #expect(try runSuccessfully(["cat", "\(top)/p1/etc/debian_version"]).output != "")
      #expect(try runSuccessfully(["cmp", "-n", "4194304", "\(top)/disk.raw", disk]).succeeded)
    }
  }

  /// A GPT disk with one partition, whose filesystem is made in place: nothing here needs a loop device.
  private static func makeDisk(in work: TemporaryDirectory) throws -> String {
    let root = work.path + "/root"
    let disk = work.path + "/disk.img"
    // It makes a namespace of its own.
    let made = try runApart(
      [
        "mmdebstrap", "--quiet", "--mode=root", "--variant=minbase",
        // A machine's clock may be ahead of a mirror.
        "--aptopt=Acquire::Check-Valid-Until \"false\"", "stable", root,
      ], needsNetwork: true, timeout: 1200)
    try #require(made.succeeded, "\(made.errors)")
    defer { try? FileManager.default.removeItem(atPath: root) }
    try runSuccessfully(["truncate", "-s", "\(size + 2 * start)", disk])
    try "label: gpt\nstart=2048, size=\(size / 512), type=linux, name=root\n".write(
      toFile: work.path + "/table", atomically: true, encoding: .utf8)
    try runSuccessfully(["sh", "-c", "sfdisk -q '\(disk)' <'\(work.path)/table'"])
    try runSuccessfully([
      "mke2fs", "-q", "-F", "-t", "ext4", "-L", "debian", "-E", "offset=\(start)", "-d", root, disk, "\(size / 1024)k",
    ])
    return disk
  }

  private static func runPrograms(in root: String) throws {
    // By the image's own loader and libraries, without being root.
    let loaders = ["lib64/ld-linux-x86-64.so.2", "lib/ld-linux-aarch64.so.1"].map { "\(root)/\($0)" }
    let loader = try #require(loaders.first { FileManager.default.fileExists(atPath: $0) })
    let architecture = loader.hasSuffix("x86-64.so.2") ? "x86_64" : "aarch64"
    let libraries = ["lib", "usr/lib"].map { "\(root)/\($0)/\(architecture)-linux-gnu" }.joined(separator: ":")
    func runInside(_ program: String, _ arguments: [String]) throws -> String {
      try runSuccessfully([loader, "--library-path", libraries, "\(root)/\(program)"] + arguments).output
    }
    #expect(try runInside("bin/ls", ["\(root)/etc"]).contains("debian_version"))
    #expect(try runInside("usr/bin/sha256sum", ["\(root)/usr/bin/perl"]).count > 64)
    let packages = try runInside("usr/bin/dpkg-query", ["--admindir=\(root)/var/lib/dpkg", "-W"])
    #expect(packages.contains("dpkg\t"))
    #expect(packages.contains("libc6"))

    // And with the mount as the whole world. It is mounted `nodev`, and even `perl -e` opens /dev/null: so the
    // host's devices are laid over it, in a namespace that goes away with the command.
    func runAsRoot(_ command: [String]) throws -> CommandResult {
      let script = "mount --bind /dev \"$1/dev\" && root=$1 && shift && exec chroot \"$root\" \"$@\""
      return try runSuccessfully(["unshare", "--mount", "sh", "-c", script, "sh", root] + command)
    }
    #expect(try runAsRoot(["perl", "-e", "print 6 * 7"]).output == "42")
    #expect(try runAsRoot(["perl", "-MPOSIX", "-e", "print POSIX::floor(2.5)"]).output == "2")
    #expect(try runAsRoot(["dpkg-query", "-W", "-f", "${Package}", "bash"]).output == "bash")
    #expect(try runAsRoot(["bash", "-c", "echo $BASH_VERSION"]).output != "")
    #expect(try runAsRoot(["find", "/usr", "-xdev", "-type", "f"]).output.count > 10000)
    // The files are what the packages say they are.
    let check = try runAsRoot(["dpkg", "--verify", "bash", "coreutils", "libc6"])
    #expect(check.output == "", "\(check.output)")
  }
}
