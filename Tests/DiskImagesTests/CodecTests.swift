import Bytes
import Codecs
import Foundation
import TestSupport
import Testing

/// What the reference tools compressed: whole, followed by other bytes, cut short, damaged, and of another size than
/// stated.
@Suite struct CodecTests {
  private static let text = Array(String(repeating: "vitrine shows what is in a disk image. ", count: 50).utf8)

  static let codecs: [Codec] = [.deflate, .zlib, .zstd, .xz, .lzma, .lz4, .lzo]

  /// What makes the input of each codec: Python 3 that has `text`, and leaves `result`.
  private static func encoder(of codec: Codec) -> String {
    switch codec {
    case .deflate: "encoder = zlib.compressobj(wbits=-15); result = encoder.compress(text) + encoder.flush()"
    case .zlib: "result = zlib.compress(text)"
    case .zstd: "result = subprocess.run(['zstd', '-qc'], input=text, stdout=subprocess.PIPE, check=True).stdout"
    case .xz:
      """
      filters = [{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 20}]
      result = lzma.compress(text, check=lzma.CHECK_CRC32, filters=filters)
      """
    // Python, as the reference tool, does not state the size: it is put in its place, and the end marker stays.
    case .lzma:
      """
      result = lzma.compress(text, lzma.FORMAT_ALONE)
      result = result[:5] + struct.pack("<Q", len(text)) + result[13:]
      """
    case .microLZMA:
      """
      sys.path.insert(0, "\(Fixture.directory.path)/erofs")
      import compressors
      taken, result = compressors.lzma(text, 1 << 16)
      assert taken == len(text)
      """
    // The one block of a frame: behind 7 bytes of the frame's header and the block's size.
    case .lz4:
      """
      frame = subprocess.run(["lz4", "-qc", "--no-frame-crc"], input=text, stdout=subprocess.PIPE, check=True).stdout
      result = frame[11:11 + int.from_bytes(frame[7:11], "little")]
      """
    case .lzo:
      """
      lzo = ctypes.CDLL("liblzo2.so.2")
      room = ctypes.create_string_buffer(2 * len(text) + 64)
      count = ctypes.c_size_t()
      memory = ctypes.create_string_buffer(1 << 20)
      assert lzo.lzo1x_1_compress(text, ctypes.c_size_t(len(text)), room, ctypes.byref(count), memory) == 0
      result = room.raw[:count.value]
      """
    }
  }

  private func compressed(_ codec: Codec) throws -> [UInt8] {
    try encoded(Self.text, by: Self.encoder(of: codec))
  }

  private func encoded(_ text: [UInt8], by script: String) throws -> [UInt8] {
    let folder = try TemporaryDirectory()
    let input = folder.path + "/input"
    let output = folder.path + "/output"
    try Data(text).write(to: URL(fileURLWithPath: input))
    let program = """
      import ctypes, lzma, struct, subprocess, sys, zlib
      text = open(sys.argv[1], "rb").read()
      \(script)
      open(sys.argv[2], "wb").write(result)
      """
    try runSuccessfully(["python3", "-c", program, input, output])
    return Array(try Data(contentsOf: URL(fileURLWithPath: output)))
  }

  private func decode(_ codec: Codec, _ input: [UInt8], count: Int) throws(ReadError) -> [UInt8] {
    try .filled(count) { (out) throws(ReadError) in
      try codec.decode(input.rawSpan, count: count, of: "cluster", into: &out)
    }
  }

  private func decode(_ codec: Codec, _ input: [UInt8], upTo limit: Int) throws(ReadError) -> [UInt8] {
    var count = 0
    let bytes: [UInt8] = try .filled(limit) { (out) throws(ReadError) in
      count = try codec.decode(input.rawSpan, upTo: limit, of: "cluster", into: &out)
      #expect(out.byteCount == count)
      out.append(zeros: limit - count)
    }
    return Array(bytes.prefix(count))
  }

  @Test(arguments: codecs)
  func decodesWhatTheReferenceEncoded(codec: Codec) throws {
    let input = try compressed(codec)
    #expect(input.count < Self.text.count)
    #expect(try decode(codec, input, count: Self.text.count) == Self.text)
    // A block without an end of its own takes what follows for its own.
    if codec == .lz4 || codec == .lzo {
      #expect(throws: ReadError.self) { try decode(codec, input + [0, 1, 2, 3], count: Self.text.count) }
    } else {
      #expect(try decode(codec, input + [0, 1, 2, 3], count: Self.text.count) == Self.text)
    }
  }

  @Test(arguments: codecs)
  func anotherSizeThanStatedIsAnError(codec: Codec) throws {
    let input = try compressed(codec)
    for count in [1, Self.text.count - 1, Self.text.count + 1, Self.text.count * 2] {
      #expect(throws: ReadError.self, "\(count)") { try decode(codec, input, count: count) }
    }
  }

  @Test(arguments: codecs)
  func aLimitIsNoSize(codec: Codec) throws {
    let input = try compressed(codec)
    for limit in [Self.text.count, Self.text.count + 1, 1 << 20] {
      #expect(try decode(codec, input, upTo: limit) == Self.text)
    }
    for limit in [0, 1, Self.text.count - 1] {
      #expect(throws: ReadError.self, "\(limit)") { try decode(codec, input, upTo: limit) }
    }
    #expect(throws: ReadError.self) { try decode(codec, [], upTo: 1 << 20) }
  }

  @Test(arguments: codecs)
  func damageIsAnErrorOrDecodesToTheStatedSize(codec: Codec) throws {
    let input = try compressed(codec)
    for length in 0..<(input.count / 2) {
      #expect(throws: ReadError.self) { try decode(codec, Array(input.prefix(length)), count: Self.text.count) }
      // What ends nowhere in particular may decode to less: never to other bytes.
      if let bytes = try? decode(codec, Array(input.prefix(length)), upTo: Self.text.count) {
        #expect(codec == .lz4 && Self.text.starts(with: bytes))
      }
    }
    for index in input.indices {
      var damaged = input
      damaged[index] ^= 0x55
      if let bytes = try? decode(codec, damaged, count: Self.text.count) { #expect(bytes.count == Self.text.count) }
    }
  }

  @Test func xzDecodesFiltersOfMachineCode() throws {
    let code = (0..<512).flatMap { [0xe8, UInt8($0 & 0xff), UInt8($0 >> 8), 0, 0, 0x90] as [UInt8] }
    for filter in ["X86", "POWERPC", "IA64", "ARM", "ARMTHUMB", "SPARC"] {
      let input = try encoded(
        code,
        by: """
          filters = [{"id": lzma.FILTER_\(filter)}, {"id": lzma.FILTER_LZMA2, "dict_size": 8192}]
          result = lzma.compress(text, check=lzma.CHECK_CRC32, filters=filters)
          """)
      #expect(try decode(.xz, input, count: code.count) == code, "\(filter)")
      #expect(try decode(.xz, input, upTo: 8192) == code, "\(filter)")
    }
  }

  @Test func xzDoesNotTakeTheMemoryThatItsInputAsksFor() throws {
    let input = try encoded(
      Self.text,
      by: """
        filters = [{"id": lzma.FILTER_LZMA2, "preset": 6, "dict_size": 64 << 20}]
        result = lzma.compress(text, check=lzma.CHECK_CRC32, filters=filters)
        """)
    #expect {
      try decode(.xz, input, count: Self.text.count)
    } throws: {
      ($0 as? ReadError)?.cause == .unsupported
    }
  }

  @Test func lzmaNeedsNoEndMarkerAndNoLargeDictionary() throws {
    // As the reference tool writes it, of unknown size; and with a dictionary of 4 GiB, as nobody needs it.
    var input = try encoded(Self.text, by: "result = lzma.compress(text, lzma.FORMAT_ALONE)")
    #expect(try decode(.lzma, input, count: Self.text.count) == Self.text)
    input.replaceSubrange(1..<5, with: [0xff, 0xff, 0xff, 0xff])
    #expect(try decode(.lzma, input, count: Self.text.count) == Self.text)
    // Of known size, cut off where all has been decoded: its last bytes are the marker's.
    var sized = try compressed(.lzma)
    sized.removeLast()
    #expect(try decode(.lzma, sized, count: Self.text.count) == Self.text)
    // A size that is not that of the stream.
    sized[5] &+= 1
    #expect(throws: ReadError.self) { try decode(.lzma, sized, count: Self.text.count + 1) }
  }

  private static let microLZMA = Codec.microLZMA(dictionary: 1 << 16)

  @Test func microLZMAEndsWhereItsUnitDoes() throws {
    let input = try compressed(Self.microLZMA)
    #expect(input.count < Self.text.count)
    #expect(try decode(Self.microLZMA, input, count: Self.text.count) == Self.text)
    for count in [1, Self.text.count - 1, Self.text.count + 1] {
      #expect(throws: ReadError.self, "\(count)") { try decode(Self.microLZMA, input, count: count) }
    }
    #expect(throws: ReadError.self) { try decode(Self.microLZMA, input + [0, 0], count: Self.text.count) }
    #expect(throws: ReadError.self) { try decode(Self.microLZMA, [], count: Self.text.count) }
    for index in input.indices {
      var damaged = input
      damaged[index] ^= 0x55
      if let bytes = try? decode(Self.microLZMA, damaged, count: Self.text.count) {
        #expect(bytes.count == Self.text.count)
      }
    }
  }

  private func decodePrefix(_ codec: Codec, _ input: [UInt8], count: Int) throws(ReadError) -> [UInt8] {
    try .filled(count) { (out) throws(ReadError) in
      try codec.decodePrefix(input.rawSpan, count: count, of: "cluster", into: &out)
    }
  }

  @Test(arguments: [microLZMA, .deflate, .zlib, .zstd, .lz4])
  func aPrefixIsAllThatIsDecoded(codec: Codec) throws {
    let input = try compressed(codec)
    for count in [1, 2, 100, Self.text.count / 2, Self.text.count - 1, Self.text.count] {
      #expect(try decodePrefix(codec, input, count: count) == Array(Self.text.prefix(count)), "\(count)")
      #expect(
        try decodePrefix(codec, input + [0xaa, 0xaa], count: count) == Array(Self.text.prefix(count)), "\(count)")
    }
    #expect(throws: ReadError.self) { try decodePrefix(codec, input, count: Self.text.count + 1) }
    #expect(throws: ReadError.self) { try decodePrefix(codec, [], count: 10) }
    // A decoder that has stopped in the middle can be used again.
    #expect(try decode(codec, input, count: Self.text.count) == Self.text)
  }

  @Test(arguments: [Codec.xz, .lzma, .lzo])
  func aPrefixOfOthersIsNotSupported(codec: Codec) throws {
    #expect {
      try decodePrefix(codec, [1, 2, 3], count: 10)
    } throws: {
      ($0 as? ReadError)?.cause == .unsupported
    }
  }
}
