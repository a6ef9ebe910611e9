internal import Foundation

/// Runs `body` with the image mounted by the kernel, read-only, and unmounts it whatever happens.
public func withKernelMount<R>(
  of image: String, type: String = "ext4", options: [String] = [], _ body: (String) throws -> R
) throws -> R {
  let directory = try TemporaryDirectory(prefix: "vitrine-kernel")
  let mount = ["mount", "-t", type, "-o", (["ro", "loop"] + options).joined(separator: ","), image, directory.path]
  // mount(8) can choose a loop device that somebody else takes at the same time: the next time it chooses another.
  var result = try run(mount)
  var attempts = 1
  while attempts < 10, result.errors.contains("already mounted or mount point busy") {
    result = try run(mount)
    attempts += 1
  }
  guard result.succeeded else { throw CommandFailure(command: mount, result: result) }
  defer { unmount(directory.path) }
  return try body(directory.path)
}

extension Fixture {
  /// Runs `body` with the image mounted by the kernel, with the options that it needs.
  public func withKernelMount<R>(_ body: (String) throws -> R) throws -> R {
    try TestSupport.withKernelMount(of: image(), type: format, options: kernelOptions, body)
  }

  /// Whether the kernel's driver knows where a file has holes: that of SquashFS does since Linux 6.17, and says before
  /// that all is data.
  public var kernelTellsHoles: Bool {
    guard format == "squashfs" else { return true }
    let version = ProcessInfo.processInfo.operatingSystemVersion
    return (version.majorVersion, version.minorVersion) >= (6, 17)
  }

  /// The part of a listing which the kernel's driver of this format can tell as well.
  public func partKnownToKernel(of listing: Listing) -> Listing {
    if kernelTellsHoles { return listing }
    return listing.mapFields { _, fields in
      let size = fields.first { $0.hasPrefix("size=") }.flatMap { UInt64($0.dropFirst(5)) } ?? 0
      return fields.filter { !$0.hasPrefix("data=") && !($0.hasPrefix("sha256=") && size > wholeHashLimit) }
    }
  }
}

/// Runs `body` with the image mounted by the `vitrine` that was built with these tests, and unmounts it whatever
/// happens.
///
/// - Parameter arguments: follow the image and the mount point: `["-o", "allow_other"]`.
public func withVitrineMount<R>(
  of image: String, arguments: [String] = [], _ body: (String) throws -> R
) throws -> R {
  let directory = try TemporaryDirectory(prefix: "vitrine-mount")
  try runSuccessfully([vitrineBinary, "mount", image, directory.path] + arguments, timeout: 60)
  defer {
    if (try? run([vitrineBinary, "umount", directory.path], timeout: 60).succeeded) != true { unmount(directory.path) }
  }
  return try body(directory.path)
}

/// The path of the built program: the tests' own neighbour, or `VITRINE_BINARY`.
public let vitrineBinary: String = {
  if let path = ProcessInfo.processInfo.environment["VITRINE_BINARY"] { return path }
  var folder = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
  while folder.path != "/" {
    folder.deleteLastPathComponent()
    let candidate = folder.appendingPathComponent("vitrine").path
    if FileManager.default.isExecutableFile(atPath: candidate) {
      return candidate
    }
  }
  return Fixture.package.appendingPathComponent(".build/debug/vitrine").path
}()

/// Unmounts; where something still uses the mount, lets go of it anyway.
private func unmount(_ path: String) {
  for command in [
    ["umount", path], ["fusermount3", "-u", path], ["umount", "-l", path], ["fusermount3", "-uz", path],
  ] {
    if let result = try? run(command, timeout: 60), result.succeeded { return }
    Thread.sleep(forTimeInterval: 0.1)
  }
}
