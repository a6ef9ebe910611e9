import Foundation
import TestSupport
import Testing

/// Disk images through a mount: the disk in an image, and the files in a partition of it, are those of the raw disk.
@Suite(.serialized, .enabled(if: Privileges.hasFUSE, "needs /dev/fuse")) struct DiskImageMountTests {
  static let images = ["qcow2", "qcow", "qed", "vmdk", "vhd", "vhdx", "vdi", "split"].flatMap { Fixture.all(of: $0) }
    .filter { !$0.isHostile && !$0.isMadeByTests }

  @Test(arguments: images)
  func diskAndFilesAreTheRawDisks(fixture: Fixture) throws {
    let expected = try #require(try fixture.disk)
    let scratch = try TemporaryDirectory()
    let raw = scratch.path + "/raw"
    let files = try withVitrineMount(of: fixture.image(), arguments: ["--view", "disk"]) { point in
      try runSuccessfully(["cp", "--sparse=always", point + "/disk.raw", raw])
      return FileManager.default.fileExists(atPath: point + "/p1") ? Listing(ofDirectory: point + "/p1") : nil
    }
    #expect(try runSuccessfully(["sha256sum", raw]).output.hasPrefix(expected.sha256))
    guard let files else { return }
    let ofRaw = try withVitrineMount(of: raw, arguments: ["--view", "disk"]) { point in
      Listing(ofDirectory: point + "/p1")
    }
    // Where the host has holes differs from format to format.
    #expect(files.dropping(["data"]).text == ofRaw.dropping(["data"]).text)
  }

  /// A file in ext4 in a partition in an image goes from the image's file to the reader by reference. (Not
  /// from a VDI or VHD that qemu-img made: their blocks do not begin at pages of the host.)
  @Test(arguments: [
    ("qcow2", []), ("qcow2", ["-o", "cluster_size=2M"]), ("vmdk", ["-o", "subformat=monolithicSparse"]),
    ("vmdk", ["-o", "subformat=twoGbMaxExtentFlat"]), ("vhdx", []),
  ])
  func uncompressedDataIsSplicedNotCopied(format: String, options: [String]) throws {
    let scratch = try TemporaryDirectory()
    let tree = scratch.url.appendingPathComponent("tree")
    try FileManager.default.createDirectory(at: tree, withIntermediateDirectories: false)
    let large = tree.path + "/large"
    try runSuccessfully(["sh", "-c", "seq 2500000 >\"$0\"", large])
    let size = try Data(contentsOf: URL(fileURLWithPath: large)).count
    let filesystem = scratch.path + "/ext4"
    try runSuccessfully(["mke2fs", "-q", "-t", "ext4", "-b", "4096", "-d", tree.path, filesystem, "30M"])
    let raw = scratch.path + "/raw"
    try runSuccessfully(["truncate", "-s", "40M", raw])
    try runSuccessfully(["sh", "-c", "echo 'start=2048, size=61440, type=linux' | sfdisk -q --label gpt \"$0\"", raw])
    try runSuccessfully(["dd", "if=" + filesystem, "of=" + raw, "bs=1M", "seek=1", "conv=notrunc", "status=none"])
    let image = scratch.path + "/disk." + format
    try runSuccessfully(["qemu-img", "convert", "-f", "raw", "-O", format] + options + [raw, image])

    let point = scratch.path + "/mnt"
    try FileManager.default.createDirectory(atPath: point, withIntermediateDirectories: false)
    let counters = scratch.path + "/counters"
    try runSuccessfully([
      "sh", "-c", "exec \"$0\" mount --stats -o cache=never \"$1\" \"$2\" 2>\"$3\"", vitrineBinary, image, point,
      counters,
    ])
    let copy = scratch.path + "/copy"
    let read = try run(["dd", "if=" + point + "/p1/large", "of=" + copy, "bs=1M", "status=none"])
    try runSuccessfully([vitrineBinary, "umount", point])
    #expect(read.succeeded, "\(read.errors)")
    try runSuccessfully(["cmp", copy, large])

    var numbers: [String: Int] = [:]
    for line in try String(contentsOfFile: counters, encoding: .utf8).split(separator: "\n") {
      let words = line.split(separator: " ")
      if words.count == 2 { numbers[String(words[0])] = Int(words[1]) }
    }
    let spliced = try #require(numbers["bytes_spliced"])
    #expect(spliced >= size / 4096 * 4096, "\(numbers)")
    #expect(try #require(numbers["bytes_copied"]) < 64 << 10, "\(numbers)")
  }
}
