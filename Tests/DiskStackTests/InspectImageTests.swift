import DiskImages
import Foundation
import SystemPackage
import TestSupport
import Testing

@testable import vitrine

/// What `inspect` says of an image, made of facts that stand here: no format is needed.
@Suite struct InspectImageTests {
  private static let MiB: UInt64 = 1 << 20

  private static var top: ImageLayer {
    var summary = ImageSummary()
    summary.variant = "version 3"
    summary.clusterSize = 65536
    summary.allocatedSize = 2 * MiB
    summary.compression = "zstd"
    summary.uuid = "11111111-2222-4333-8444-555555555555"
    summary.creator = "vbox\u{1B}[31m 7.0"
    summary.created = 1_700_000_000
    summary.isDirty = true
    summary.isCorrupt = true
    summary.parentName = "mid.qcow2"
    summary.parentFormat = "qcow2"
    summary.snapshots = [
      ImageSnapshot(
        id: "1", name: "before upgrade", seconds: 1_700_000_000, nanoseconds: 5, diskSize: 8 * MiB,
        machineStateSize: 1536 << 10, machineClock: 3_723_000_000_007),
      ImageSnapshot(
        id: "12", name: "容量", seconds: -1, nanoseconds: 0, diskSize: 16 * MiB, machineStateSize: 0, machineClock: 0),
    ]
    summary.specific = [
      ("compat", .text("1.1")), ("compression-type", .text("zstd")), ("lazy-refcounts", .flag(true)),
      ("refcount-bits", .number(16)), ("corrupt", .flag(true)), ("extended-l2", .flag(false)), ("nothing", .none),
      ("extents", .list([.record([("filename", .text("a"))])])),
    ]
    return ImageLayer(
      path: "top.qcow2", format: .qcow2, size: 8 * MiB, actualSize: 200 << 10, summary: summary, isCompressed: true,
      files: [.init(path: "top.qcow2", size: 200 << 10, actualSize: 200 << 10)])
  }

  private static var middle: ImageLayer {
    var summary = ImageSummary()
    summary.variant = "version 2"
    summary.parentName = "C:\\disks\\base.raw"
    summary.isDirty = true
    return ImageLayer(path: "other.qcow2", format: .qcow2, size: 4 * MiB, actualSize: 1 << 10, summary: summary)
  }

  private static var base: ImageLayer {
    ImageLayer(path: "dir/base.raw", format: .raw, size: 4 * MiB, actualSize: 4096)
  }

  private static let chain = [top, middle, base]

  private func tree(exact: Bool = false, colour: Bool = false, unicode: Bool = true) -> InspectTree {
    InspectTree(style: .init(usesColor: colour, usesUnicode: unicode, width: 100, exactSizes: exact))
  }

  private func object(_ images: [ImageLayer]) throws -> [String: Any] {
    let text = JSONValue.object(InspectJSON.members(of: images)).text
    return try #require(JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
  }

  @Test func treeOfEverything() {
    let lines = tree().facts(of: Self.chain, snapshot: "1")
    #expect(
      lines == [
        "  snapshot    1, instead of the present state",
        "  clusters    64 KiB",
        "  stored      2 MiB of 8 MiB (25%)",
        "  compression zstd",
        "  UUID        11111111-2222-4333-8444-555555555555",
        "  creator     vbox\\x1b[31m 7.0",
        "  created     2023-11-14T22:13:20Z",
        "  details     compat 1.1, lazy-refcounts, refcount-bits 16",
        "  state       marked as corrupt",
        "  state       dirty: not closed cleanly",
        "  snapshots   ID  name            time                    disk  VM state  VM clock",
        "              1   before upgrade  2023-11-14T22:13:20Z   8 MiB   1.5 MiB  01:02:03",
        "              12  容量            1969-12-31T23:59:59Z  16 MiB       0 B  00:00:00",
        "  backing     other.qcow2  qcow2 image, version 2, 4 MiB, 1 KiB allocated, in place of mid.qcow2",
        "              └─ dir/base.raw  raw image, 4 MiB, 4 KiB allocated",
      ])
  }

  @Test func headings() {
    #expect(
      tree().heading(of: Self.top, size: Self.MiB) == "qcow2 image, version 3, 1 MiB, 200 KiB allocated")
    #expect(
      tree(exact: true).heading(of: Self.top, size: Self.MiB)
        == "qcow2 image, version 3, 1048576 bytes, 204800 bytes allocated")
    var device = Self.base
    device.isBlockDevice = true
    #expect(tree().heading(of: device, size: 512) == "block device, 512 B")
  }

  /// What is wrong is said by notices, where there are some.
  @Test func noticesStandForTheState() throws {
    var image = Self.top
    image.summary.notices = ["has a bad table"]
    #expect(!tree().facts(of: [image], snapshot: nil).contains { $0.hasPrefix("  state") })
    #expect(try object([image])["notices"] as? [String] == ["has a bad table"])
  }

  @Test(arguments: [true, false, nil])
  func compressionIsToldUnlessNothingIsCompressed(isCompressed: Bool?) throws {
    var image = Self.top
    image.isCompressed = isCompressed
    let lines = tree().facts(of: [image], snapshot: nil)
    #expect(lines.contains("  compression zstd") == (isCompressed != false))
    #expect(try object([image])["compressed"] as? Bool == isCompressed)
  }

  @Test func rawImageHasNoMoreToSay() {
    #expect(tree().facts(of: [Self.base], snapshot: nil).isEmpty)
    #expect(tree().facts(of: [], snapshot: nil).isEmpty)
  }

  @Test(arguments: [(2, 2), (8, 8), (9, 8), (512, 8)])
  func filesAreListed(count: Int, shown: Int) {
    var image = Self.base
    image.files = (1...count).map { .init(path: FilePath("disk.\($0)"), size: 1024, actualSize: 0) }
    let lines = tree().facts(of: [image], snapshot: nil)
    #expect(lines.count == shown)
    #expect(lines[0].hasPrefix("  files       disk.1"))
    #expect(lines[1].hasPrefix("              disk.2") && lines[1].hasSuffix("  1 KiB"))
    #expect((lines.last ?? "").contains("and \(count - 7) more") == (count > 8))
    #expect(tree().heading(of: image, size: 1).contains("raw image, \(count) files, "))
  }

  @Test func manySnapshotsAreLeftToTheJSON() throws {
    var image = Self.top
    image.summary.snapshots = (1...1000).map {
      ImageSnapshot(
        id: "\($0)", name: "s\($0)", seconds: 0, nanoseconds: 0, diskSize: 0, machineStateSize: 0, machineClock: .max)
    }
    let lines = tree().facts(of: [image], snapshot: nil)
    #expect(lines.last == "              and 950 more")
    #expect(lines.count { $0.contains("1970-01-01T00:00:00Z") } == 50)
    #expect((try object([image])["snapshots"] as? [Any])?.count == 1000)
  }

  /// As long as a chain may be, and with names that break a terminal.
  @Test func longChain() throws {
    var layer = Self.middle
    layer.path = "a\n\u{202E}b"
    layer.summary.parentName = "a\n\u{202E}b"
    let chain = Array(repeating: layer, count: 201)
    let lines = tree(unicode: false).facts(of: chain, snapshot: nil)
    #expect(lines.count { $0.contains("a\\x0a\\u{202e}b  qcow2 image") } == 200)
    #expect(lines.allSatisfy { $0.count <= 100 && $0.allSatisfy(\.isASCII) })
    var depth = 0
    var next: [String: Any]? = try object(chain)
    while let image = next {
      depth += 1
      next = image["backing-image"] as? [String: Any]
    }
    #expect(depth == 201)
  }

  /// Keys and values that `qemu-img info --output=json` prints for such an image.
  @Test func jsonHasTheKeysOfQemu() throws {
    let image = try object(Self.chain)
    #expect(image["virtual-size"] as? Int == 8 << 20)
    #expect(image["cluster-size"] as? Int == 65536)
    #expect(image["actual-size"] as? Int == 200 << 10)
    #expect(image["dirty-flag"] as? Bool == true)
    #expect(image["compressed"] as? Bool == true)
    #expect(image["backing-filename"] as? String == "mid.qcow2")
    #expect(image["full-backing-filename"] as? String == "other.qcow2")
    #expect(image["backing-filename-format"] as? String == "qcow2")
    let specific = try #require(image["format-specific"] as? [String: Any])
    #expect(specific["type"] as? String == "qcow2")
    let data = try #require(specific["data"] as? [String: Any])
    #expect(data["refcount-bits"] as? Int == 16 && data["extended-l2"] as? Bool == false)
    #expect(data["nothing"] is NSNull)
    #expect((data["extents"] as? [[String: String]]) == [["filename": "a"]])
    let snapshots = try #require(image["snapshots"] as? [[String: Any]])
    #expect(snapshots[0]["vm-clock-sec"] as? Int == 3723 && snapshots[0]["vm-clock-nsec"] as? Int == 7)
    #expect(snapshots[0]["date-nsec"] as? Int == 5 && snapshots[1]["date-sec"] as? Int == -1)
    let behind = try #require(image["backing-image"] as? [String: Any])
    #expect(behind["full-backing-filename"] as? String == "dir/base.raw")
    let last = try #require(behind["backing-image"] as? [String: Any])
    #expect(last["backing-image"] is NSNull && last["format-specific"] is NSNull)
    #expect(Set(image.keys) == Set(last.keys))
  }

  @Test func jsonFitsItsSchema() throws {
    let schema = try JSONSchema(
      Data(contentsOf: Fixture.package.appendingPathComponent("man/vitrine-inspect.schema.json")))
    let object = JSONValue.object(
      InspectJSON.members(of: Self.chain) + [
        ("snapshot", .string("1")), ("offset", .number(0)), ("pttype", .null), ("ptuuid", .null), ("log-sec", .null),
        ("children", .array([])),
      ])
    #expect(try schema.violations(in: Data(object.text.utf8)) == [])
    for (good, bad) in [
      ("\"version 2\"", "2"), ("\"date-sec\": -1", "\"date-sec\": \"-1\""), ("\"raw\"", "\"vhd\""),
      ("\"dirty-flag\": true", "\"dirty-flag\": 1"),
    ] {
      let changed = object.text.replacingOccurrences(of: good, with: bad)
      #expect(changed != object.text)
      #expect(try !schema.violations(in: Data(changed.utf8)).isEmpty, "\(bad)")
    }
  }

  @Test func coloursAreClosed() {
    for line in tree(colour: true).facts(of: Self.chain, snapshot: nil) {
      #expect(line.components(separatedBy: "\u{1B}[").count % 2 == 1, "\(line)")
    }
  }

  @Test(arguments: [(0, "00:00:00"), (59_999_999_999, "00:00:59"), (.max, "5124095:34:33")] as [(UInt64, String)])
  func durations(nanoseconds: UInt64, text: String) {
    #expect(InspectFormat.duration(nanoseconds: nanoseconds) == text)
  }
}
