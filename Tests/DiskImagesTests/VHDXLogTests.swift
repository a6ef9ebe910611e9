import BlockDevices
import Bytes
import DiskImages
import Foundation
import SystemPackage
import TestSupport
import Testing

/// VHDX files that were not closed: their logs are replayed in memory.
@Suite struct VHDXLogTests {
  private let maker: VHDXMaker
  init() throws { maker = try VHDXMaker() }

  /// Logs drawn at random: several entries, around the end of the log, with zeros, with torn and stale ones.
  @Test(arguments: 1...24)
  func randomLogs(seed: Int) throws {
    try runSuccessfully([
      "python3", "\(Fixture.directory.path)/vhdx/random-log.py", "\(seed)", maker.folder.path,
    ])
    let before = try Data(contentsOf: URL(fileURLWithPath: maker.path("image.vhdx")))
    try maker.check(seed: UInt64(seed))
    let summary = try maker.open().summary
    #expect(summary.isDirty)
    #expect(summary.notices.contains { $0.contains("replayed in memory") })
    #expect(try Data(contentsOf: URL(fileURLWithPath: maker.path("image.vhdx"))) == before)
  }

  /// The same as what QEMU writes when it replays.
  @Test(arguments: 100...111)
  func asQemuReplays(seed: Int) throws {
    try runSuccessfully([
      "python3", "\(Fixture.directory.path)/vhdx/random-log.py", "\(seed)", maker.folder.path, "simple",
    ])
    try runSuccessfully(["cp", maker.path("image.vhdx"), maker.path("copy.vhdx")])
    try runSuccessfully(["qemu-img", "check", "-q", "-r", "all", maker.path("copy.vhdx")])
    try runSuccessfully(["qemu-img", "convert", "-O", "raw", maker.path("copy.vhdx"), maker.path("copy.raw")])
    try maker.check(against: "copy.raw")
  }

  private func script(_ log: String) -> String {
    """
    d = disk(3 * MIB, 3, (100, 5000), (2 * MIB, MIB))
    image = Image(len(d))
    image.write_disk(d)
    log = image.log
    log.guid = uuid.UUID(int=77)
    bat = struct.pack("<%dQ" % len(image.bat), *image.bat).ljust(4096, b"\\0")
    def good(**more): return log.entry([data(image.bat_offset, bat)], **more)
    def bad(**more): return log.entry([zero(image.bat_offset, 4096)], **more)
    def headers(offset=MIB, size=MIB):
        keep, log.offset, log.size = (log.offset, log.size), offset, size
        header = image.header(9)
        log.offset, log.size = keep
        image.patches += [(65536, header), (131072, header)]
    \(log)
    image.save("image.vhdx")
    """
  }

  /// What is in the log of a file that was closed means nothing.
  @Test func aLogThatIsClosedIsNotReplayed() throws {
    try maker.run(script("bad(); log.guid = uuid.UUID(int=0)"))
    try maker.check()
    #expect(try !maker.open().summary.isDirty)
  }

  @Test func anEntryWithoutWritesIsNothingToReplay() throws {
    try maker.run(script("log.entry([])"))
    try maker.check()
    let summary = try maker.open().summary
    #expect(!summary.isDirty && summary.notices.isEmpty)
  }

  /// A writer that was stopped before its first entry was whole has changed nothing yet.
  @Test(arguments: [
    "pass", "log.entry([data(image.bat_offset, bytes(4096))], torn=1)", "bad(checksum=False)",
    "bad(guid=uuid.UUID(int=78))",
  ])
  func withoutAnyWholeEntryNothingIsReplayed(log: String) throws {
    try maker.run(script(log))
    try maker.check()
    let summary = try maker.open().summary
    #expect(summary.isDirty && summary.notices.contains { $0.contains("no whole entry") })
  }

  @Test(arguments: [
    // The newest of two sequences.
    "log.sequence = 5; bad(); log.position = 8 * 4096; log.sequence = 9; log.tail = None; good()",
    "log.position = 8 * 4096; log.sequence = 9; bad(); log.sequence = 12; log.tail = None; log.position = 0; good()",
    // A later one whose tail is not in it does not count.
    "good(); log.position = 20 * 4096; log.sequence = 90; bad(tail=30 * 4096)",
    // The tail cuts off what is in its place already.
    "bad(); log.tail = None; good()",
    // An entry that goes around the end of the log.
    "log.position = log.size - 4096; good(); good()",
    // Wrong marks in a sector whose checksum is right.
    "good(); log.entry([data(image.bat_offset, bytes(4096))], sequence=(1 << 40)); log.bytes[8192 + 4096] ^= 1",
  ])
  func whichSequenceCounts(log: String) throws {
    try maker.run(script("image.patches.append((image.bat_offset, b'garbage!' * 512))\n" + log))
    try maker.check()
    #expect(try maker.open().summary.isDirty)
  }

  /// Blocks that were allocated, but which the file was not made longer for.
  @Test func theFileGrowsAsTheLogSays() throws {
    try maker.run(
      script(
        """
        at = image.set_block(1, FULLY, bytes(MIB))
        log.flushed = at
        bat = struct.pack("<%dQ" % len(image.bat), *image.bat).ljust(4096, b"\\0")
        good()
        image.length = at
        """))
    try maker.check()
    // Without the log's word for it, the block would lie past the end.
    try maker.run(
      script(
        """
        at = image.set_block(1, FULLY, bytes(MIB))
        log.flushed = log.last = at
        bat = struct.pack("<%dQ" % len(image.bat), *image.bat).ljust(4096, b"\\0")
        good()
        image.length = at
        """))
    let disk = try maker.open().disk
    #expect(throws: ReadError.self) { try disk.bytes(1, at: 1 << 20) }
  }

  @Test(arguments: [
    ("good(); image.length = image.end - MIB", 65, "cut short"),
    ("good(); image.length = 1 * MIB + 512 * 1024", 65, "cut short"),
    ("bad(tail=20 * 4096)", 65, "no sequence in it is complete"),
    ("good(); image.header_fields['log_version'] = 1", 69, "log of version 1"),
    ("good(); log.size = 0", 65, "no log"),
    ("good(); log.size = 512 * MIB; image.length = 600 * MIB", 69, "log of 512 MiB"),
    ("good(); headers(offset=0)", 65, "whole mebibytes"),
    ("good(); headers(offset=MIB + 4096)", 65, "whole mebibytes"),
    ("good(); headers(size=MIB + 4096)", 65, "whole mebibytes"),
    ("good(); headers(offset=(1 << 64) - MIB, size=2 * MIB)", 65, "log of VHDX"),
    ("good(); headers(offset=1 << 50)", 65, "cut short"),
  ])
  func logsThatAreNotReplayed(change: String, status: Int32, text: String) throws {
    try maker.run(script(change))
    let error = try #require(throws: ImageError.self) { try maker.open() }
    #expect(error.exitStatus == status, "\(error.text)")
    #expect(error.text.contains(text), "\(error.text)")
  }

  /// An entry that describes a write that cannot be was not written as a whole.
  @Test func aWriteThatCannotBe() throws {
    try maker.run(script("log.entry([zero((1 << 64) - 4096, 8192)])"))
    try maker.check()
    #expect(try maker.open().summary.notices.contains { $0.contains("no whole entry") })
  }

  @Test(arguments: [(3536, nil), (3537, 69)] as [(Int, Int32?)])
  func soManyWritesAreReplayed(more: Int, status: Int32?) throws {
    try maker.run(
      script(
        """
        image = Image(len(d), log_size=3 * MIB)
        image.write_disk(d)
        log = image.log
        log.guid = uuid.UUID(int=77)
        for count in (30000, 32000, \(more)): log.entry([zero(0, 4096)] * count)
        """))
    if let status {
      let error = try #require(throws: ImageError.self) { try maker.open() }
      #expect(error.exitStatus == status && error.text.contains("65537 writes"))
    } else {
      try maker.check()
    }
  }

  /// Entries within entries, each with the right checksum, would have one byte checked thousands of times.
  @Test func overlappingEntriesAreRefused() throws {
    try maker.run(
      script(
        """
        header = struct.pack("<4sIIIQII16sQQ", b"loge", 0, MIB, 0, 5, 0, 0, log.guid.bytes_le, 0, 0)
        for place in range(0, MIB, 4096): log.bytes[place : place + 64] = header
        """))
    let error = try #require(throws: ImageError.self) { try maker.open() }
    #expect(error.exitStatus == 65 && error.text.contains("overlap"))
  }
}
