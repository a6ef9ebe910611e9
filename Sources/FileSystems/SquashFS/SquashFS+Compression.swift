internal import BlockDevices
internal import Bytes
internal import Codecs

extension SquashFS.Compression: CustomStringConvertible {
  /// As the format's tools call it.
  var description: String {
    switch self {
    case .gzip: "gzip"
    case .lzma: "lzma"
    case .lzo: "lzo"
    case .xz: "xz"
    case .lz4: "lz4"
    case .zstd: "zstd"
    }
  }

  var codec: Codec {
    switch self {
    case .gzip: .zlib
    case .lzma: .lzma
    case .lzo: .lzo
    case .xz: .xz
    case .lz4: .lz4
    case .zstd: .zstd
    }
  }
}

/// What the codec was told when the filesystem was made: a metadata block that is not compressed, behind the superblock,
/// where a flag says so. Nothing of it is needed to decode, so what Linux does not look at only gives a notice.
extension SquashFS {
  struct CompressorOptions: Sendable {
    /// "level" and "9"; as the format's tools name them.
    var facts: [(name: String, value: String)] = []
    var notices: [String] = []
  }

  static func compressorOptions(_ superblock: Superblock, on device: any BlockDevice) throws(ReadError)
    -> CompressorOptions
  {
    guard superblock.flags.contains(.compressorOptions) else {
      // Its version is in there.
      if superblock.compression == .lz4 { throw .corrupt("compressor options", at: UInt64(superblockSize)) }
      return CompressorOptions()
    }
    let start = UInt64(superblockSize)
    let prefix = try device.bytes(2, at: start)
    let header = try prefix.rawSpan.le16(0)
    let count = Int(header & 0x7fff)
    guard header & 0x8000 != 0, count <= metadataBlockSize else { throw .corrupt("compressor options", at: start) }
    let bytes = try device.bytes(count, at: start + 2)
    return try CompressorOptions(parsing: bytes.rawSpan, of: superblock.compression)
  }
}

extension SquashFS.CompressorOptions {
  private static let filterNames = ["x86", "powerpc", "ia64", "arm", "armthumb", "sparc", "arm64", "riscv"]
  private static let strategyNames = ["default", "filtered", "huffman_only", "run_length_encoded", "fixed"]
  private static let lzoNames = ["lzo1x_1", "lzo1x_1_11", "lzo1x_1_12", "lzo1x_1_15", "lzo1x_999"]

  init(parsing span: RawSpan, of compression: SquashFS.Compression) throws(ReadError) {
    let subject: StaticString = "compressor options"
    let place = UInt64(SquashFS.superblockSize) + 2
    switch compression {
    case .gzip:
      let level = try span.le32(0, of: subject)
      let window = try span.le16(4, of: subject)
      let strategies = UInt32(try span.le16(6, of: subject))
      facts = [("level", "\(level)"), ("window", "\(window)")]
      if strategies != 0 { facts.append(("strategies", Self.names(of: strategies, Self.strategyNames))) }
      expect((1...9).contains(level) && (8...15).contains(window) && strategies < 1 << 5, of: compression)
    case .lzma: break
    case .lzo:
      let algorithm = try span.le32(0, of: subject)
      let level = try span.le32(4, of: subject)
      let name = algorithm < 5 ? Self.lzoNames[Int(algorithm)] : "\(algorithm)"
      facts = [("algorithm", name)]
      if algorithm == 4 { facts.append(("level", "\(level)")) }
      expect(algorithm < 4 ? level == 0 : algorithm == 4 && (1...9).contains(level), of: compression)
    case .xz:
      let dictionary = try span.le32(0, of: subject)
      let filters = try span.le32(4, of: subject)
      // 2ⁿ or 2ⁿ + 2ⁿ⁺¹, as Linux has it.
      let lowest = dictionary & (0 &- dictionary)
      guard dictionary != 0, dictionary == lowest || dictionary == lowest &+ lowest &* 2 else {
        throw .corrupt(subject, at: place)
      }
      facts = [("dictionary", "\(dictionary)")]
      if filters != 0 { facts.append(("filters", Self.names(of: filters, Self.filterNames))) }
    case .lz4:
      let version = try span.le32(0, of: subject)
      let flags = try span.le32(4, of: subject)
      guard version == 1 else { throw .unsupported("version of lz4 compression", at: UInt64(version)) }
      if flags & 1 != 0 { facts = [("hc", "yes")] }
      expect(flags < 2, of: compression)
    case .zstd:
      let level = try span.le32(0, of: subject)
      facts = [("level", "\(level)")]
      expect((1...22).contains(level), of: compression)
    }
  }

  private mutating func expect(_ isSane: Bool, of compression: SquashFS.Compression) {
    if !isSane { notices.append("the options of its \(compression) compression make no sense: it may be damaged") }
  }

  private static func names(of bits: UInt32, _ names: [String]) -> String {
    (0..<32).filter { bits >> UInt32($0) & 1 != 0 }.map { $0 < names.count ? names[$0] : "\($0)" }
      .joined(separator: ",")
  }
}
