import Bytes
import Codecs
import Foundation
import TestSupport
import Testing

/// What the reference tools compressed: whole, followed by other bytes, cut short, damaged, and of another size than
/// stated.
@Suite struct CodecTests {
  private static let text = Array(String(repeating: "vitrine shows what is in a disk image. ", count: 50).utf8)

  private func compressed(_ codec: Codec) throws -> [UInt8] {
    let folder = try TemporaryDirectory()
    let input = folder.path + "/input"
    let output = folder.path + "/output"
    try Data(Self.text).write(to: URL(fileURLWithPath: input))
    func deflated(_ windowBits: Int) -> [String] {
      [
        "python3", "-c",
        """
        import sys, zlib
        encoder = zlib.compressobj(wbits=\(windowBits))
        text = open(sys.argv[1], "rb").read()
        open(sys.argv[2], "wb").write(encoder.compress(text) + encoder.flush())
        """, input, output,
      ]
    }
    switch codec {
    case .deflate: try runSuccessfully(deflated(-15))
    case .zlib: try runSuccessfully(deflated(15))
    case .zstd: try runSuccessfully(["zstd", "-q", input, "-o", output])
    }
    return Array(try Data(contentsOf: URL(fileURLWithPath: output)))
  }

  private func decode(_ codec: Codec, _ input: [UInt8], count: Int) throws(ReadError) -> [UInt8] {
    try .filled(count) { (out) throws(ReadError) in
      try codec.decode(input.rawSpan, count: count, of: "cluster", into: &out)
    }
  }

  @Test(arguments: [Codec.deflate, .zlib, .zstd])
  func decodesWhatTheReferenceEncoded(codec: Codec) throws {
    let input = try compressed(codec)
    #expect(input.count < Self.text.count)
    #expect(try decode(codec, input, count: Self.text.count) == Self.text)
    #expect(try decode(codec, input + [0, 1, 2, 3], count: Self.text.count) == Self.text)
  }

  @Test(arguments: [Codec.deflate, .zlib, .zstd])
  func anotherSizeThanStatedIsAnError(codec: Codec) throws {
    let input = try compressed(codec)
    for count in [1, Self.text.count - 1, Self.text.count + 1, Self.text.count * 2] {
      #expect(throws: ReadError.self, "\(count)") { try decode(codec, input, count: count) }
    }
  }

  @Test(arguments: [Codec.deflate, .zlib, .zstd])
  func damageIsAnErrorOrDecodesToTheStatedSize(codec: Codec) throws {
    let input = try compressed(codec)
    for length in 0..<(input.count / 2) {
      #expect(throws: ReadError.self) { try decode(codec, Array(input.prefix(length)), count: Self.text.count) }
    }
    for index in input.indices {
      var damaged = input
      damaged[index] ^= 0x55
      if let bytes = try? decode(codec, damaged, count: Self.text.count) { #expect(bytes.count == Self.text.count) }
    }
  }
}
