import Foundation
import TestSupport
import Testing

/// What `inspect --json` says of images is what qemu-img says, where both have a key for it.
@Suite struct InspectQemuTests {
  private let scratch: TemporaryDirectory

  /// A raw disk with data and holes.
  init() throws {
    scratch = try TemporaryDirectory()
    try runSuccessfully(["truncate", "-s", "8M", "base.raw"], in: scratch.url)
    try runSuccessfully(["/sbin/mkfs.ext4", "-q", "base.raw", "4M"], in: scratch.url)
  }

  private func json(_ command: [String]) throws -> JSON {
    try JSONDecoder().decode(JSON.self, from: Data(runSuccessfully(command, in: scratch.url).output.utf8))
  }

  private func inspect(_ image: String) throws -> JSON { try json([vitrineBinary, "inspect", "--json", image]) }

  /// Where `ours` differs from qemu-img's, in a key that qemu-img has.
  private func differences(_ ours: JSON?, _ theirs: JSON, at place: String) -> [String] {
    switch (ours, theirs) {
    case (.object(let ours), .object(let theirs)):
      // icount is of virtual machines that count their instructions.
      return theirs.filter { $0.key != "icount" }.flatMap { key, value in
        differences(ours[key], value, at: "\(place).\(key)")
      }
    case (.array(let ours), .array(let theirs)) where ours.count == theirs.count:
      return zip(ours, theirs).flatMap { differences($0, $1, at: place + "[]") }
    default:
      return ours == theirs ? [] : ["\(place): \(ours ?? .null) against \(theirs)"]
    }
  }

  private func expectEqual(
    _ image: String, but exceptions: Set<String> = [], options: [String] = [],
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    guard
      case .array(let theirs) = try json(["qemu-img", "info", "--output=json", "--backing-chain"] + options + [image])
    else {
      Issue.record("qemu-img prints no list", sourceLocation: sourceLocation)
      return
    }
    let schema = try JSONSchema(
      Data(contentsOf: Fixture.package.appendingPathComponent("man/vitrine-inspect.schema.json")))
    let text = try runSuccessfully([vitrineBinary, "inspect", "--json", image], in: scratch.url).output
    #expect(try schema.violations(in: Data(text.utf8)) == [], sourceLocation: sourceLocation)
    var ours: JSON? = try JSONDecoder().decode(JSON.self, from: Data(text.utf8))
    for layer in theirs {
      let found = differences(ours, layer, at: "").filter { line in !exceptions.contains { line.hasPrefix(".\($0):") } }
      #expect(found == [], sourceLocation: sourceLocation)
      ours = ours?["backing-image"]
    }
    #expect(ours == .null, sourceLocation: sourceLocation)
  }

  @Test(arguments: [
    ["qcow2"], ["qcow2", "compat=0.10"], ["qcow2", "cluster_size=4096,extended_l2=off,refcount_bits=1"],
    ["qcow2", "extended_l2=on,lazy_refcounts=on"], ["qcow2", "compression_type=zstd"],
    ["qcow2", "data_file=data.raw,data_file_raw=on"], ["qcow2", "data_file=data.raw"], ["qcow"], ["qed"], ["raw"],
    ["vmdk"], ["vmdk", "subformat=monolithicFlat"], ["vmdk", "subformat=twoGbMaxExtentSparse"],
    ["vmdk", "subformat=twoGbMaxExtentFlat"], ["vpc"], ["vpc", "subformat=fixed,force_size=on"], ["vhdx"],
    ["vhdx", "subformat=fixed,block_size=1M"], ["vdi"], ["vdi", "static=on"],
  ])
  func formats(_ format: [String]) throws {
    let options = format.count > 1 ? ["-o", format[1]] : []
    try runSuccessfully(["qemu-img", "create", "-q", "-f", format[0]] + options + ["disk.img", "8M"], in: scratch.url)
    try runSuccessfully(
      ["qemu-img", "convert", "-n", "-O", format[0], "base.raw", "disk.img"], in: scratch.url)
    // qemu-img does not count what a data file takes.
    // And it does not look for the footer that a fixed VHD has at its end.
    try expectEqual(
      "disk.img", but: format.contains { $0.hasPrefix("data_file") } ? ["actual-size"] : [],
      options: format[0] == "vpc" ? ["-f", "vpc"] : [])
  }

  @Test func chainWithSnapshots() throws {
    for (name, base, format) in [
      ("middle.qcow2", "base.raw", "raw"), ("top.qcow2", "middle.qcow2", "qcow2"),
    ] {
      try runSuccessfully(
        ["qemu-img", "create", "-q", "-f", "qcow2", "-u", "-b", base, "-F", format, name, "8M"], in: scratch.url)
    }
    for name in ["first", "zweitens: ü"] {
      try runSuccessfully(["qemu-img", "snapshot", "-c", name, "top.qcow2"], in: scratch.url)
    }
    try expectEqual("middle.qcow2")
    try expectEqual("top.qcow2")
  }

  @Test func chainOfVMDK() throws {
    try runSuccessfully(["qemu-img", "convert", "-O", "vmdk", "base.raw", "base.vmdk"], in: scratch.url)
    try runSuccessfully(
      ["qemu-img", "create", "-q", "-f", "vmdk", "-b", "base.vmdk", "-F", "vmdk", "top.vmdk"], in: scratch.url)
    try expectEqual("top.vmdk")
  }

  @Test func whatIsCompressed() throws {
    for (options, isCompressed) in [
      (["-O", "qcow2"], false), (["-c", "-O", "qcow2"], true), (["-O", "vmdk"], false),
      (["-O", "vmdk", "-o", "subformat=streamOptimized"], true),
    ] {
      try runSuccessfully(["qemu-img", "convert"] + options + ["base.raw", "disk.img"], in: scratch.url)
      #expect(try inspect("disk.img")["compressed"] == .boolean(isCompressed))
    }
  }

  /// Of a disk that is large and empty, all is said at once.
  @Test func largeDisk() throws {
    try runSuccessfully(["qemu-img", "create", "-q", "-f", "qcow2", "large.qcow2", "16T"], in: scratch.url)
    try expectEqual("large.qcow2")
    let image = try inspect("large.qcow2")
    #expect(image["allocated-size"] == .number(0) && image["compressed"] == .boolean(false))
  }
}
