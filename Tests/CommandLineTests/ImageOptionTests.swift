import Foundation
import TestSupport
import Testing

/// The options that say how an image is to be read, and what is said of one that cannot be opened.
@Suite struct ImageOptionTests {
  private let scratch: TemporaryDirectory
  private let elsewhere: TemporaryDirectory

  /// A raw disk with a label that tells it apart, and what qemu-img makes of it.
  init() throws {
    scratch = try TemporaryDirectory()
    elsewhere = try TemporaryDirectory()
    try disk("base.raw", label: "base")
  }

  private func disk(_ name: String, label: String) throws {
    let path = scratch.path + "/" + name
    try runSuccessfully(["truncate", "-s", "4M", path])
    try runSuccessfully(["/sbin/mkfs.ext4", "-q", "-L", label, path])
  }

  private func qemu(_ arguments: String...) throws {
    _ = try runSuccessfully(["qemu-img"] + arguments, in: scratch.url)
  }

  private func overlay(_ name: String, on base: String, format: String = "raw") throws {
    try qemu("create", "-q", "-f", "qcow2", "-u", "-b", base, "-F", format, name, "4M")
  }

  private func inspect(_ arguments: String..., from folder: URL? = nil) throws -> CommandResult {
    try run([vitrineBinary, "inspect"] + arguments, environment: ["LC_ALL": "C.UTF-8"], in: folder ?? scratch.url)
  }

  /// The label of the filesystem that is found.
  private func label(_ arguments: String..., from folder: URL? = nil) throws -> String? {
    let result = try run([vitrineBinary, "inspect", "--json"] + arguments, in: folder ?? scratch.url)
    guard result.status == 0 else {
      Issue.record("\(arguments): \(result.errors)")
      return nil
    }
    let object = try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any]
    return (object?["children"] as? [[String: Any]])?.first?["label"] as? String
  }

  private func expectFailure(
    _ arguments: [String], status: Int32, saying text: String, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let point = scratch.path + "/mnt"
    try FileManager.default.createDirectory(atPath: point, withIntermediateDirectories: true)
    for command in [["inspect"] + arguments, ["mount"] + arguments + [point]] {
      let result = try run([vitrineBinary] + command, in: scratch.url, timeout: 60)
      #expect(result.status == status, "\(command): \(result.errors)", sourceLocation: sourceLocation)
      #expect(result.output.isEmpty, sourceLocation: sourceLocation)
      #expect(result.errors == "vitrine: \(text)\n", sourceLocation: sourceLocation)
    }
  }

  @Test func formatIsFoundUnlessItIsGiven() throws {
    try qemu("convert", "-O", "qcow2", "base.raw", "disk.raw")
    #expect(try label("disk.raw") == "base")
    #expect(try inspect("disk.raw").output.hasPrefix("disk.raw  qcow2 image"))
    #expect(try label("--format", "qcow2", "disk.raw") == "base")
    #expect(try label("--format=RAW", "base.raw") == "base")
    let raw = try inspect("--format", "raw", "disk.raw")
    #expect(raw.status == 65 && raw.errors.contains("no known filesystem"))
    try expectFailure(["--format", "qcow2", "base.raw"], status: 65, saying: "base.raw: is no qcow2 image")
  }

  @Test(arguments: ["inspect", "mount"])
  func unknownFormat(_ command: String) throws {
    let result = try run([vitrineBinary, command, "--format", "dmg", "base.raw"], in: scratch.url)
    #expect(result.status == 64 && result.errors.contains("dmg"))
  }

  @Test func snapshotsAreChosenByNameAndID() throws {
    try qemu("convert", "-O", "qcow2", "base.raw", "disk.qcow2")
    try qemu("snapshot", "-c", "before", "disk.qcow2")
    try disk("other.raw", label: "later")
    try qemu("convert", "-n", "-O", "qcow2", "other.raw", "disk.qcow2")
    #expect(try label("disk.qcow2") == "later")
    #expect(try label("disk.qcow2", "--snapshot", "before") == "base")
    #expect(try label("disk.qcow2", "--snapshot=1") == "base")
    #expect(try inspect("disk.qcow2", "--snapshot", "1").output.contains("  snapshot    1, instead of the present"))
    try expectFailure(
      ["disk.qcow2", "--snapshot", "after"], status: 64,
      saying: "disk.qcow2: has no snapshot called after; there are: 1 (before)")
    try expectFailure(
      ["base.raw", "--snapshot", "x"], status: 64, saying: "base.raw: keeps no snapshots, so there is none called x")
  }

  @Test func backingFileIsRelativeToTheWorkingDirectory() throws {
    try overlay("top.qcow2", on: "moved.raw")
    try expectFailure(
      ["top.qcow2"], status: 66,
      saying: "top.qcow2: its file moved.raw: cannot open: No such file or directory; "
        + "if it lies elsewhere, --backing-file says where")
    #expect(try label("top.qcow2", "--backing-file", "base.raw") == "base")
    #expect(
      try label(scratch.path + "/top.qcow2", "--backing-file", scratch.path + "/base.raw", from: elsewhere.url)
        == "base")
    try FileManager.default.copyItem(
      atPath: scratch.path + "/base.raw", toPath: elsewhere.path + "/there.raw")
    #expect(
      try label(scratch.path + "/top.qcow2", "--backing-file", "there.raw", from: elsewhere.url) == "base")
    try expectFailure(
      ["top.qcow2", "--backing-file", "none.raw"], status: 66,
      saying: "top.qcow2: its file none.raw: cannot open: No such file or directory")
    try expectFailure(
      ["base.raw", "--backing-file", "base.raw"], status: 64,
      saying: "base.raw: has no backing file that another could stand in for")
  }

  /// What a backing file names in its own folder may be opened where the person has named it.
  @Test func chainBehindAGivenBackingFile() throws {
    try overlay("middle.qcow2", on: "base.raw")
    for name in ["base.raw", "middle.qcow2"] {
      try FileManager.default.moveItem(atPath: scratch.path + "/" + name, toPath: elsewhere.path + "/" + name)
    }
    try overlay("top.qcow2", on: "gone.qcow2", format: "qcow2")
    #expect(try label("top.qcow2", "--backing-file", elsewhere.path + "/middle.qcow2") == "base")
  }

  @Test func missingFileBehindABackingFile() throws {
    try overlay("middle.qcow2", on: "gone.raw")
    try overlay("top.qcow2", on: "middle.qcow2", format: "qcow2")
    try expectFailure(
      ["top.qcow2"], status: 66, saying: "top.qcow2: its file gone.raw: cannot open: No such file or directory")
  }

  @Test func externalFilesAreRefusedUnlessAllowed() throws {
    try FileManager.default.copyItem(atPath: scratch.path + "/base.raw", toPath: elsewhere.path + "/base.raw")
    let outside = elsewhere.path + "/base.raw"
    try overlay("absolute.qcow2", on: outside)
    try FileManager.default.createSymbolicLink(
      atPath: scratch.path + "/link.raw", withDestinationPath: outside)
    try overlay("link.qcow2", on: "link.raw")
    let relative = "../" + elsewhere.url.lastPathComponent + "/base.raw"
    try overlay("relative.qcow2", on: relative)
    for (image, name) in [("absolute.qcow2", outside), ("link.qcow2", "link.raw"), ("relative.qcow2", relative)] {
      try expectFailure(
        [image], status: 77,
        saying: "\(image): names \(name), which lies outside of the image's folder; "
          + "--allow-external-files opens it all the same")
      #expect(try label(image, "--allow-external-files") == "base")
    }
    try expectFailure(
      ["absolute.qcow2", "--backing-file", "/nonexistent"], status: 66,
      saying: "absolute.qcow2: its file /nonexistent: cannot open: No such file or directory")
  }

  @Test func loopsAreRefused() throws {
    try overlay("one.qcow2", on: "two.qcow2", format: "qcow2")
    try overlay("two.qcow2", on: "one.qcow2", format: "qcow2")
    try expectFailure(
      ["one.qcow2"], status: 65, saying: "one.qcow2: is its own backing file: the chain is a loop")
  }

  @Test func encryptedImagesAndUnknownFeaturesAreNotSupported() throws {
    try qemu("create", "-q", "-f", "qcow2", "luks.qcow2", "4M")
    let file = try FileHandle(forUpdating: scratch.url.appendingPathComponent("luks.qcow2"))
    // The header's crypt_method; qemu-img's own way to it measures the processor, which a busy one does not bear.
    try file.seek(toOffset: 32)
    try file.write(contentsOf: Data([0, 0, 0, 2]))
    try file.close()
    try expectFailure(
      ["luks.qcow2"], status: 69, saying: "luks.qcow2: is encrypted (LUKS), which is not supported")
    try overlay("top.qcow2", on: "luks.qcow2", format: "qcow2")
    try expectFailure(
      ["top.qcow2"], status: 69,
      saying: "top.qcow2: its file luks.qcow2: is encrypted (LUKS), which is not supported")
    try overlay("dmg.qcow2", on: "base.raw", format: "dmg")
    let result = try inspect("dmg.qcow2")
    #expect(result.status == 69 && result.errors.contains("dmg"))
  }

  @Test func namesFromImagesAreHarmless() throws {
    try overlay("top.qcow2", on: "a\u{1B}[31mb\n")
    try expectFailure(
      ["top.qcow2"], status: 66,
      saying: "top.qcow2: its file a\\x1b[31mb\\x0a: cannot open: No such file or directory; "
        + "if it lies elsewhere, --backing-file says where")
  }

  /// As in fstab: the same by mount options.
  @Test(.enabled(if: Privileges.hasFUSE)) func mountOptionsDoTheSame() throws {
    let point = scratch.path + "/mnt"
    try FileManager.default.createDirectory(atPath: point, withIntermediateDirectories: true)
    let outside = elsewhere.path + "/base.raw"
    try FileManager.default.moveItem(atPath: scratch.path + "/base.raw", toPath: outside)
    try overlay("top.qcow2", on: outside)
    try qemu("convert", "-O", "qcow2", outside, "disk.qcow2")
    try qemu("snapshot", "-c", "before, now", "disk.qcow2")
    for (image, options) in [
      ("top.qcow2", "ro,allow_external_files"), ("top.qcow2", "backing_file=\(outside)"),
      ("disk.qcow2", "format=qcow2,snapshot=before\\, now"), ("disk.qcow2", "snapshot=1"),
    ] {
      let result = try run([vitrineBinary, image, point, "-o", options], in: scratch.url, timeout: 60)
      #expect(result.status == 0, "\(image) -o \(options): \(result.errors)")
      guard result.status == 0 else { continue }
      #expect(try FileManager.default.contentsOfDirectory(atPath: point).contains("lost+found"))
      _ = try runSuccessfully([vitrineBinary, "umount", point])
    }
    for (option, status) in [("snapshot=", 64), ("backing_file=", 64), ("format=dmg", 64), ("snapshot", 64)] {
      let result = try run([vitrineBinary, "disk.qcow2", point, "-o", option], in: scratch.url, timeout: 60)
      #expect(result.status == Int32(status), "-o \(option): \(result.errors)")
    }
  }
}
