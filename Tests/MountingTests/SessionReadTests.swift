import BlockDevices
import Browsing
import Bytes
import FileSystems
import Foundation
@testable import Mounting
import Synchronization
import SystemPackage
import TestSupport
import Testing

/// Reads through real mounts. One at a time: libfuse's signal handlers are the process's.
@Suite(.serialized, .enabled(if: Privileges.hasFUSE)) struct SessionReadTests {
  private static let mebibyte: UInt64 = 1 << 20

  private func mount<R>(
    _ files: [(String, MemoryFileSystem.Node)], on image: HostImage, units: [UInt64: [UInt8]] = [:],
    options: String = "", _ body: (MemoryMount) throws -> R
  ) throws -> R {
    var nodes: [UInt64: MemoryFileSystem.Node] = [:]
    var entries: [(name: String, node: UInt64)] = []
    for (index, file) in files.enumerated() {
      nodes[UInt64(index) + 10] = file.1
      entries.append((name: file.0, node: UInt64(index) + 10))
    }
    nodes[2] = .init(kind: .directory(entries), permissions: 0o755)
    let fileSystem = MemoryFileSystem(on: image.file, nodes: nodes, contents: units)
    return try MemoryMount.with(Tree(of: fileSystem), options, body)
  }

  private func file(_ extents: Extent...) -> MemoryFileSystem.Node { .init(kind: .file(extents)) }
  private func stored(_ length: UInt64, at offset: UInt64) -> Extent {
    Extent(.mapped(source: 0, offset: offset), length: length)
  }

  @Test(arguments: ["cache=kernel", "cache=never"])
  func aLargeContiguousFileIsNeverCopied(_ cache: String) throws {
    let image = try HostImage(size: 8 << 20)
    let size = 8 * Self.mebibyte - 4096
    try mount([("large", file(stored(size, at: 4096)))], on: image, options: cache) { mount in
      let bytes = try OpenFile(mount.file("large")).readAll()
      #expect(bytes == Array(image.bytes[4096...]))
      let counters = mount.session.counters
      #expect(counters[.bytesCopied] == 0)
      #expect(counters[.bytesSpliced] == size)
      #expect(counters[.copiedReplies] == 0)
    }
  }

  @Test(arguments: ["reply=splice", "reply=copy", "reply=splice,cache=never", "reply=copy,cache=never"])
  func everyShapeReadsAsItIs(_ options: String) throws {
    let image = try HostImage(size: 4 << 20)
    let units: [UInt64: [UInt8]] = [5: (0..<9000).map { UInt8(truncatingIfNeeded: $0 / 7) }]
    let hole = Extent(.hole, length: 3 << 16)
    let shapes: [(String, [Extent])] = [
      ("aligned", [stored(1 << 20, at: 0)]),
      ("unaligned", [stored(1 << 20, at: 1536)]),
      ("short", [stored(100, at: 4096)]),
      ("empty", []),
      ("fragments", (0..<200).map { stored(8192, at: UInt64(($0 * 37) % 256) * 8192) }),
      ("small fragments", (0..<900).map { stored(1024, at: UInt64(($0 * 37) % 2048) * 1024) }),
      ("holes", [hole, stored(65536, at: 8192), hole, stored(65537, at: 65536), hole]),
      ("hole alone", [Extent(.hole, length: 700_001)]),
      ("unwritten", [stored(8192, at: 0), Extent(.unwritten, length: 300_000), stored(5, at: 77)]),
      ("mixed", [stored(262_144, at: 4096), stored(1000, at: 3), stored(131_072, at: 40960), hole]),
      (
        "decoded",
        [
          Extent(.encoded(EncodedUnit(5, size: 9000), skip: 0), length: 9000), stored(262_144, at: 8192),
          Extent(.encoded(EncodedUnit(5, size: 9000), skip: 17), length: 1234),
        ]
      ),
      ("tail", [stored(524_288 + 123, at: 4096)]),
    ]
    try mount(shapes.map { ($0.0, .init(kind: .file($0.1))) }, on: image, units: units, options: options) { mount in
      for (name, extents) in shapes {
        let expected = image.contents(extents, units)
        let open = try OpenFile(mount.file(name))
        #expect(try open.readAll() == expected, "\(name)")
        for (offset, count) in [(0, 1), (1, 4096), (4095, 70_000), (65_535, 3), (100_000, 524_288)] {
          let start = min(offset, expected.count)
          let part = Array(expected[start..<min(start + count, expected.count)])
          #expect(try open.read(count, at: start).get() == part, "\(name) at \(offset)")
        }
      }
      if options.contains("reply=copy") { #expect(mount.session.counters[.bytesSpliced] == 0) }
    }
  }

  @Test func manyReadersAtOnceGetTheirOwnBytes() throws {
    let image = try HostImage(size: 4 << 20)
    let shapes = (0..<8).map { index in
      ("f\(index)", file(stored(1 << 20, at: UInt64(index) * 4096), stored(100_000, at: UInt64(index) * 1000 + 1)))
    }
    try mount(shapes, on: image, options: "cache=never") { mount in
      let wrong = Mutex(0)
      DispatchQueue.concurrentPerform(iterations: 32) { round in
        let name = "f\(round % 8)"
        guard case .file(let extents) = shapes[round % 8].1.kind,
          let bytes = try? OpenFile(mount.file(name)).readAll(step: 70_000 + round * 4096),
          bytes == image.contents(extents)
        else { return wrong.withLock { $0 += 1 } }
      }
      #expect(wrong.withLock { $0 } == 0)
    }
  }

  @Test func pastTheEndThereIsNothing() throws {
    let image = try HostImage(size: 65536)
    try mount([("f", file(stored(10_000, at: 0)))], on: image) { mount in
      let open = try OpenFile(mount.file("f"))
      #expect(try open.read(100, at: 10_000).get().isEmpty)
      #expect(try open.read(100, at: 1 << 40).get().isEmpty)
      #expect(try open.read(100, at: 9990).get().count == 10)
    }
  }

  @Test func holesAreTold() throws {
    let image = try HostImage(size: 1 << 20)
    let node = file(
      Extent(.hole, length: 8192), stored(8192, at: 0), Extent(.unwritten, length: 4096), stored(4096, at: 8192),
      Extent(.hole, length: 1000))
    try mount([("f", node), ("all", file(Extent(.hole, length: 5000)))], on: image) { mount in
      let open = try OpenFile(mount.file("f"))
      #expect(open.seek(0, hole: false) == 8192)
      #expect(open.seek(0, hole: true) == 0)
      #expect(open.seek(9000, hole: false) == 9000)
      #expect(open.seek(9000, hole: true) == 16384)
      #expect(open.seek(16384, hole: false) == 20480)
      #expect(open.seek(24576, hole: false) == nil)
      #expect(open.seek(24576, hole: true) == 24576)
      #expect(open.seek(25576, hole: true) == nil)
      let all = try OpenFile(mount.file("all"))
      #expect(all.seek(0, hole: false) == nil)
      #expect(all.seek(0, hole: true) == 0)
    }
  }

  @Test func anImageThatShrinksGivesErrorsAndNothingWorse() throws {
    let image = try HostImage(size: 4 << 20)
    let files = [
      ("spliced", file(stored(1 << 20, at: 1 << 20))), ("copied", file(stored(1 << 20, at: 1 << 20 | 5))),
      ("left", file(stored(65536, at: 4096))),
    ]
    for options in ["reply=splice", "reply=copy", "cache=never"] {
      let image = try HostImage(size: image.bytes.count)
      try mount(files, on: image, options: options) { mount in
        #expect(unsafe truncate(image.path, 1_500_000) == 0)
        for name in ["spliced", "copied"] {
          let open = try OpenFile(mount.file(name))
          // What is still there reads as ever, up to the first READ that touches the end.
          #expect(try open.read(4096, at: 0).get().count == 4096)
          guard case .failure(let error) = open.read(4096, at: 900_000) else {
            Issue.record("\(name) reads past the end of its image")
            continue
          }
          #expect(error.code == .EIO)
          #expect(throws: POSIXError.self) { try open.readAll(step: 524_288) }
        }
        #expect(try OpenFile(mount.file("left")).readAll() == Array(image.bytes[4096..<4096 + 65536]))
        #expect(mount.session.counters[.errors] > 0)
      }
    }
  }

  @Test(
    arguments: [
      (ReadError.corrupt("extent tree"), POSIXErrorCode.EIO), (.checksum("extent tree"), .EIO),
      (.truncated("data"), .EIO), (.unsupported("compression"), .EOPNOTSUPP), (.encrypted("contents"), .ENOKEY),
      (.io(.ioError, "data"), .EIO),
    ] as [(ReadError, POSIXErrorCode)])
  func oneBadFileIsOneError(_ cause: ReadError, _ code: POSIXErrorCode) throws {
    let image = try HostImage(size: 65536)
    var bad = file(stored(8192, at: 0))
    bad.failure = cause
    try mount([("bad", bad), ("good", file(stored(8192, at: 0)))], on: image) { mount in
      guard case .failure(let error) = try OpenFile(mount.file("bad")).read(100, at: 0) else {
        Issue.record("a bad file reads")
        return
      }
      #expect(error.code == code)
      #expect(try OpenFile(mount.file("good")).readAll().count == 8192)
    }
  }
}
