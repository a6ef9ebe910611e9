internal import BlockDevices
internal import Bytes

/// Algorithms and their configurations, which follow the superblock: for each algorithm in use a length (2 bytes) and so
/// many bytes, aligned to 4.
extension EROFS {
  enum Algorithm: UInt8, CaseIterable, Sendable {
    case lz4 = 0
    case lzma = 1
    case deflate = 2
    case zstd = 3

    var name: String {
      switch self {
      case .lz4: "lz4"
      case .lzma: "lzma"
      case .deflate: "deflate"
      case .zstd: "zstd"
      }
    }
  }

  struct Compression: Sendable {
    /// Stored bytes of a cluster at most.
    static let longestStored: UInt64 = 1 << 20
    /// Decoded bytes of a cluster at most.
    static let longestDecoded: UInt64 = 12 << 20

    /// Algorithms that files may use.
    private(set) var algorithms: [Algorithm] = []
    /// Bytes that LZ4's matches reach back at most; 0 where that is not said.
    private(set) var lz4Distance: UInt32 = 0
    /// Blocks of a cluster at most, for LZ4.
    private(set) var lz4ClusterBlocks: UInt32 = 1
    /// Bytes of LZMA's dictionary.
    private(set) var lzmaDictionary: UInt32 = longestLZMADictionary
    /// log2 of deflate's window.
    private(set) var deflateWindowBits: UInt8 = 15
    /// log2 of Zstandard's window.
    private(set) var zstdWindowLog: UInt8 = 20

    private static let longestLZMADictionary: UInt32 = 8 << 20

    func allows(_ algorithm: Algorithm) -> Bool { algorithms.contains(algorithm) }
  }
}

extension EROFS.Compression {
  /// - Parameter size: bytes of the superblock, which the configurations follow.
  /// - Throws: `.unsupported` of an algorithm or a configuration that is not known; `.corrupt` of what cannot be.
  init(
    readingFrom device: any BlockDevice, superblock: RawSpan, size: Int, features: EROFS.IncompatibleFeatures,
    blockShift: UInt8
  ) throws(ReadError) {
    guard features.contains(.compressionConfigurations) else {
      // Older images: LZ4 only, whose distance the superblock has.
      algorithms = [.lz4]
      lz4Distance = UInt32(try superblock.le16(0x54))
      return
    }
    let available = try superblock.le16(0x54)
    var position = EROFS.Superblock.offset + UInt64(size)
    for bit in 0..<16 as Range<UInt8> where available >> UInt16(bit) & 1 != 0 {
      guard let algorithm = EROFS.Algorithm(rawValue: bit) else { throw .unsupported("compression algorithm") }
      position = position.roundedUp(toMultipleOf: 4)
      let head = try device.bytes(2, at: position)
      let length = try head.rawSpan.le16(0)
      let count = length == 0 ? 1 << 16 : Int(length)
      let configuration = try device.bytes(count, at: position + 2)
      try apply(configuration.rawSpan, of: algorithm, blockShift: blockShift)
      algorithms.append(algorithm)
      position += 2 + UInt64(count)
    }
  }

  private mutating func apply(
    _ configuration: RawSpan, of algorithm: EROFS.Algorithm, blockShift: UInt8
  ) throws(ReadError) {
    let subject: StaticString = "compression configuration"
    switch algorithm {
    case .lz4:
      lz4Distance = UInt32(try configuration.le16(0, of: subject))
      let blocks = UInt32(try configuration.le16(2, of: subject))
      guard UInt64(blocks) <= Self.longestStored >> UInt64(blockShift) else { throw .corrupt(subject, at: 2) }
      lz4ClusterBlocks = max(blocks, 1)
    case .lzma:
      guard try configuration.le16(4, of: subject) == 0 else { throw .unsupported("format of LZMA") }
      let size = try configuration.le32(0, of: subject)
      guard (4096...Self.longestLZMADictionary).contains(size) else { throw .unsupported("dictionary size of LZMA") }
      lzmaDictionary = size
    case .deflate:
      let bits = try configuration.u8(0, of: subject)
      guard bits <= 15 else { throw .unsupported("window size of deflate") }
      deflateWindowBits = bits
    case .zstd:
      guard try configuration.u8(0, of: subject) == 0 else { throw .unsupported("format of Zstandard") }
      let log = try configuration.u8(1, of: subject)
      guard log <= 10 else { throw .unsupported("window size of Zstandard") }
      zstdWindowLog = log + 10
    }
  }
}
