import Foundation
import TestSupport
import Testing

/// What is wrong with the command line or the image is said in one line, with the documented exit status.
@Suite struct BadInputTests {
  private let scratch: TemporaryDirectory
  private let point: String

  init() throws {
    scratch = try TemporaryDirectory()
    point = scratch.url.appendingPathComponent("mnt").path
    try FileManager.default.createDirectory(atPath: point, withIntermediateDirectories: false)
  }

  private func file(_ name: String, _ content: Data) throws -> String {
    let url = scratch.url.appendingPathComponent(name)
    try content.write(to: url)
    return url.path
  }

  /// Runs the program; it must fail with `status`, say so in one line that begins with its name, and print nothing else.
  private func expectFailure(
    _ arguments: [String], status: Int32, saying fragment: String? = nil,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let result = try run([vitrineBinary] + arguments, timeout: 60)
    let command = "vitrine \(arguments.joined(separator: " ")): \(result.errors)"
    #expect(result.status == status, "\(command)", sourceLocation: sourceLocation)
    #expect(result.output.isEmpty, "\(command)", sourceLocation: sourceLocation)
    let lines = result.errors.split(separator: "\n")
    #expect(lines.count == 1 && result.errors.hasPrefix("vitrine: "), "\(command)", sourceLocation: sourceLocation)
    if let fragment {
      #expect(result.errors.contains(fragment), "\(command)", sourceLocation: sourceLocation)
    }
  }

  @Test(arguments: [
    ["--no-such-option"], ["mount"], ["umount"], ["inspect"], ["inspect", "a", "b"], ["mount", "a"],
    ["mount", "a", "b", "c"], ["inspect", "--color", "sometimes", "a"], ["inspect", "--sector-size", "513", "a"],
    ["mount", "--view", "all", "a", "b"], ["mount", "--reply", "shout", "a", "b"], ["mount", "-p", "root", "a", "b"],
    ["run"], ["run", "a"], ["run", "a", "--"], ["run", "--chdir"], ["mounts", "a"],
    ["run", "a", "--no-such-option", "true"], ["mount", "--ready-fd", "x", "a", "b"],
  ])
  func wrongUse(_ arguments: [String]) throws {
    let result = try run([vitrineBinary] + arguments)
    #expect(result.status == 64, "\(arguments): \(result.errors)")
    #expect(result.output.isEmpty && !result.errors.isEmpty)
  }

  @Test(arguments: [["mout", "disk.img", "mnt"], ["inspct", "disk.img"], ["unmont", "mnt"]])
  func mistypedCommand(_ arguments: [String]) throws {
    try expectFailure(arguments, status: 64, saying: "did you mean")
  }

  /// Options of namesakes are answered with what to do in their place.
  @Test(arguments: [
    ["tar -czf x.tgz disk.img", "-z is not there; pipe"], ["tar --zstd disk.img", "zstd > FILE"],
    ["tar -xf disk.img", "-x is not there: archives are only made"], ["ls -lo disk.img", "-lG lists without groups"],
    ["ls --color=at disk.img", "'at' is invalid for '--color <when>'"],
    ["stat --format=%n disk.img /a", "formats of stat(1) stand behind -c"],
    ["cp -i disk.img:/a b", "-n leaves alone"], ["cp --preserve=mode disk.img:/a b", "takes no value here"],
    ["cat -n disk.img /a", "pipe the output to cat"], ["ls -y disk.img", "Unknown option '-y'; see vitrine ls --help"],
    ["ls", "Missing expected argument"], ["tar -o offset=1", "Missing expected argument '<image>'; see vitrine tar"],
    ["find disk.img -L", "stands before the image"], ["ls --sort=sise disk.img", "sise"],
    ["ls -w -1 disk.img", "-w"], ["tar --strip-components=x disk.img", "strip-components"],
  ])
  func optionsOfNamesakes(_ line: [String]) throws {
    try expectFailure(line[0].split(separator: " ").map(String.init), status: 64, saying: line[1])
  }

  /// What is there is an image, whatever it is called.
  @Test func imageNamedLikeACommand() throws {
    _ = try file("mout", Data("no disk".utf8))
    let result = try run([vitrineBinary, "mout", point], in: scratch.url)
    #expect(result.status == 65, "\(result.errors)")
  }

  @Test(arguments: [
    ["rw", "read-only"], ["nosuchoption", "nosuchoption"], ["uid=root", "uid"], ["umask=999", "umask"],
    ["timeout=soon", "timeout"], ["attr_timeout=-1", "attr_timeout"],
    ["offset=here", "offset"], ["cache=always", "cache"], ["cache", "cache"], ["max_read=4096", "max_read"],
  ])
  func wrongMountOption(_ option: [String]) throws {
    try expectFailure(["/nonexistent", point, "-o", option[0]], status: 64, saying: option[1])
  }

  @Test(arguments: ["mount", "inspect"])
  func wrongImage(_ command: String) throws {
    let behind = command == "mount" ? [point] : []
    try expectFailure([command, "/nonexistent/image"] + behind, status: 66, saying: "No such file")
    try expectFailure([command, scratch.path] + behind, status: 66, saying: "folder")
    try expectFailure([command, "/dev/null"] + behind, status: 66, saying: "neither a file nor a block device")
    try expectFailure([command, file("empty.img", Data())] + behind, status: 65, saying: "is empty")
    try expectFailure(
      [command, file("zeros.img", Data(count: 1 << 20))] + behind, status: 65, saying: "no partition table")
    try expectFailure(
      [command, file("text.img", Data("Once upon a time\n".utf8))] + behind, status: 65, saying: "no partition table")
    try expectFailure(
      [command, file("one.img", Data([0x53]))] + behind, status: 65, saying: "no partition table")
  }

  @Test func offsetBeyondTheEnd() throws {
    let image = try file("small.img", Data(count: 4096))
    try expectFailure(["inspect", "--offset", "8192", image], status: 64, saying: "past the end")
    try expectFailure(["mount", image, point, "-o", "offset=8192"], status: 64, saying: "past the end")
  }

  @Test(arguments: ["mount", "inspect"])
  func noSuchVolume(_ command: String) throws {
    let behind = command == "mount" ? [point] : []
    let image = try Fixture("demo", "disk").image()
    for selector in ["99", "LABEL=nobody", "UUID=00000000-0000-0000-0000-000000000000", "PARTLABEL=x", "PARTUUID=x"] {
      try expectFailure([command, "-p", selector, image] + behind, status: 64, saying: "no volume is")
    }
  }

  @Test(.enabled(if: Privileges.hasFUSE)) func wrongMountPoint() throws {
    let image = try Fixture("demo", "disk").image()
    try expectFailure(["mount", image, scratch.path + "/missing"], status: 71, saying: "does not exist")
    try expectFailure(["mount", image, try file("file", Data())], status: 71, saying: "folder")
    _ = try file("mnt/something", Data())
    try expectFailure(["mount", image, point], status: 71, saying: "not empty")
  }

  @Test func umountOfWhatIsNotMounted() throws {
    try expectFailure(["umount", point], status: 64)
    try expectFailure(["umount", scratch.path + "/missing"], status: 64)
    try expectFailure(["umount", scratch.path + "/missing/missing"], status: 66)
  }

  /// As an ordinary user: root may read everything.
  @Test(.enabled(if: Privileges.isRoot)) func noPermission() throws {
    let image = try file("secret.img", Data(count: 4096))
    // Safe: the paths are strings that last for the calls.
    unsafe chmod(image, 0o600)
    unsafe chmod(scratch.path, 0o755)
    let result = try run([
      "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", vitrineBinary, "inspect", image,
    ])
    #expect(result.status == 77 && result.errors.hasPrefix("vitrine: \(image): "), "\(result.errors)")
  }

  @Test func helpAndVersionSucceed() throws {
    for arguments in [
      ["--help"], ["help"], ["help", "mount"], ["mount", "--help"], ["inspect", "-h"], ["umount", "-h"],
    ] {
      let result = try run([vitrineBinary] + arguments)
      #expect(result.status == 0 && result.errors.isEmpty && result.output.contains("USAGE: vitrine"), "\(arguments)")
    }
    let version = try run([vitrineBinary, "--version"])
    #expect(version.status == 0 && version.output.contains("."))
    // Behind the command, they are the command's.
    let echo = try run([vitrineBinary, "run", "/nonexistent/image", "echo", "--help"])
    #expect(echo.status == 66)
  }
}
