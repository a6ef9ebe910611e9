import BlockDevices
import Bytes
@testable import DiskImages
import Foundation
import SystemPackage
import TestSupport
import Testing

/// Compressed grains, with damage.
@Suite struct VMDKCompressionTests {
  private let folder: TemporaryDirectory
  /// Three grains of 64 KiB and a last one of 8 KiB.
  private let raw: [UInt8]
  private static let grain = 65536

  init() throws {
    folder = try TemporaryDirectory()
    raw = (0..<(3 * Self.grain + 8192)).map { UInt8(truncatingIfNeeded: ($0 &* 13) >> 5) }
    try Data(raw).write(to: folder.url.appendingPathComponent("raw"))
    let script = Fixture.directory.appendingPathComponent("vmdk/extents.py").path
    let descriptor = VMDKDescriptorTests.head + "RW \(raw.count / 512) SPARSE \"disk.vmdk\"\n"
    try runSuccessfully([
      "python3", script, "stream", folder.path + "/raw", path, "descriptor=" + descriptor.replacing("\n", with: "|"),
    ])
  }

  private var path: String { folder.path + "/disk.vmdk" }

  /// Changes the image by Python: `d` is its bytes, `at(n)` the place of a grain's marker, `put(n, data)` writes other
  /// compressed data into a grain (there is room, as they are short).
  private func change(_ code: String) throws {
    let script = """
      import struct, sys, zlib
      path = sys.argv[1]
      d = bytearray(open(path, 'rb').read())
      end = len(d) - 1024
      directory = struct.unpack_from('<Q', d, end + 56)[0] * 512
      table = struct.unpack_from('<I', d, directory)[0] * 512
      def at(n): return struct.unpack_from('<I', d, table + 4 * n)[0] * 512
      def put(n, data):
        struct.pack_into('<I', d, at(n) + 8, len(data))
        d[at(n) + 12:at(n) + 12 + len(data)] = data
      \(code)
      open(path, 'wb').write(d)
      """
    try runSuccessfully(["python3", "-c", script, path])
  }

  @Test(
    arguments: [
      ("struct.pack_into('<Q', d, at(1), 999)", "corrupt marker of a compressed grain"),
      ("struct.pack_into('<I', d, at(1) + 8, 0)", "corrupt marker of a compressed grain"),
      ("struct.pack_into('<I', d, at(1) + 8, 131073)", "corrupt marker of a compressed grain"),
      ("struct.pack_into('<I', d, at(1) + 8, 100000)", "lies past the end"),
      ("d[at(1) + 20] ^= 0xff; d[at(1) + 21] ^= 0xff", "corrupt compressed grain"),
      ("d[at(1) + 8 + struct.unpack_from('<I', d, at(1) + 8)[0]] ^= 1", "corrupt compressed grain"),
      ("put(1, zlib.compress(bytes(65535)))", "corrupt compressed grain"),
      ("put(1, zlib.compress(bytes(65537)))", "corrupt compressed grain"),
      ("put(1, zlib.compress(b''))", "corrupt compressed grain"),
      ("put(1, zlib.compress(bytes(65536))[:-6])", "corrupt compressed grain"),
      ("struct.pack_into('<I', d, table + 4, 1)", "corrupt grain table"),
      ("struct.pack_into('<I', d, table + 4, directory // 512)", "corrupt grain table"),
      ("struct.pack_into('<I', d, table + 4, 0x7fffffff)", "grain lies past the end"),
    ])
  func oneBadGrainIsAnErrorAndTheRestReads(code: String, text: String) throws {
    try change(code)
    let disk = try DiskImage(opening: FilePath(path)).disk
    for place in [Self.grain, Self.grain + 100, 2 * Self.grain - 1] {
      let error = try #require(throws: ReadError.self) { try disk.bytes(1, at: UInt64(place)) }
      #expect("\(error)".contains(text), "\(error)")
    }
    #expect(try disk.bytes(Self.grain, at: 0) == Array(raw[..<Self.grain]))
    #expect(try disk.bytes(Self.grain + 8192, at: UInt64(2 * Self.grain)) == Array(raw[(2 * Self.grain)...]))
  }

  @Test(arguments: [
    ("put(3, zlib.compress(bytes(8191)))", false), ("put(3, zlib.compress(bytes(8192)))", true),
    ("put(3, zlib.compress(bytes(65536)))", true), ("put(3, zlib.compress(bytes(65537)))", false),
    ("put(3, zlib.compress(bytes(8193)))", false),
  ])
  func theLastGrainIsWholeOrEndsWithTheDisk(code: String, isGood: Bool) throws {
    try change(code)
    let disk = try DiskImage(opening: FilePath(path)).disk
    let bytes = try? disk.bytes(8192, at: UInt64(3 * Self.grain))
    #expect(bytes == (isGood ? [UInt8](repeating: 0, count: 8192) : nil))
  }

  @Test(
    arguments: [
      ("d = d[:-512]", "lacks the footer"), ("d[len(d) - 1536 + 12] = 2", "lacks the footer"),
      ("d[end] = 0", "lacks the footer"),
      ("struct.pack_into('<Q', d, end + 56, 2**64 - 1)", "no grain directory"),
      ("struct.pack_into('<Q', d, end + 56, 2**40)", "table of clusters lies past the end"),
      ("struct.pack_into('<Q', d, end + 12, 7)", "contradicts"), ("d[end + 4] = 9", "version 9"),
      ("d += bytes(700)", "footer"),
      ("d += bytes(100)", nil),
      ("struct.pack_into('<Q', d, 20, 2**16); struct.pack_into('<Q', d, end + 20, 2**16)", "16 MiB"),
    ] as [(String, String?)])
  func theFooterIsChecked(code: String, text: String?) throws {
    try change(code)
    guard let text else {
      #expect(try DiskImage(opening: FilePath(path)).disk.bytes(raw.count, at: 0) == raw)
      return
    }
    let error = try #require(throws: ImageError.self) { try DiskImage(opening: FilePath(path)) }
    #expect(error.text.contains(text), "\(error.text)")
  }

  @Test func dataWithoutMarkersAreRead() throws {
    try change(
      """
      d[10] = 1; d[end + 10] = 1
      for n in range(4):
        place, size = at(n), struct.unpack_from('<I', d, at(n) + 8)[0]
        d[place:place + size] = d[place + 12:place + 12 + size]
      """)
    try compareWithQemu(path)
    #expect(try DiskImage(opening: FilePath(path)).disk.bytes(raw.count, at: 0) == raw)
  }

  @Test func unitsAreDecodedOnceByTheCache() throws {
    var options = ImageOptions()
    options.units = UnitCache()
    let counting = CountingDevice(try HostFile(opening: FilePath(path)))
    let disk = try DiskImage(in: counting, path: FilePath(path), options: options).disk
    for place in stride(from: 0, to: Self.grain, by: 4096) {
      #expect(try disk.bytes(4096, at: UInt64(place)) == Array(raw[place..<(place + 4096)]))
      if place == 0 { counting.reset() }
    }
    #expect(counting.readCount == 0)
  }
}
