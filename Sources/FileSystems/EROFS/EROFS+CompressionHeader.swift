internal import Bytes

/// What precedes the indexes of a compressed file: `struct z_erofs_map_header`, 8 bytes, behind the attributes and
/// aligned to 8 bytes.
extension EROFS {
  struct CompressionHeader {
    /// `h_advise`.
    struct Advice: OptionSet {
      let rawValue: UInt16

      /// Compact indexes: some of 2 bytes. Full ones: a table of extents instead.
      static let compactTwoBytes = Self(rawValue: 0x01)
      static let extents = Self(rawValue: 0x01)
      /// Clusters of more than a block, with the first algorithm, and with the second or none.
      static let bigClusters1 = Self(rawValue: 0x02)
      static let bigClusters2 = Self(rawValue: 0x04)
      /// The last cluster stands behind the indexes.
      static let inlineCluster = Self(rawValue: 0x08)
      /// Clusters that are not compressed are stored so that a byte has the same place in its block as in the file's.
      static let interlaced = Self(rawValue: 0x10)
      /// The last extent lies in the file of fragments.
      static let fragment = Self(rawValue: 0x20)
    }

    enum Kind {
      /// The whole file lies in the file of fragments, from this offset on.
      case wholeFragment(UInt64)
      /// A table of so many extents.
      case extents(count: UInt64)
      /// An index for each logical cluster.
      case clusters
    }

    let kind: Kind
    let advice: Advice
    /// log2 of the bytes of a logical cluster.
    let clusterShift: UInt64
    /// For heads of type 1 and of type 2.
    let algorithms: (Algorithm, Algorithm)
    /// Stored bytes of the cluster behind the indexes; 0 for none.
    let inlineSize: UInt64
    /// Low bits of the last extent's offset in the file of fragments.
    let fragmentOffset: UInt64
    /// Byte offset in the inode's metadata space of what follows the header.
    let end: UInt64
  }
}

extension EROFS.CompressionHeader {
  init(
    of inode: EROFS.Inode, in superblock: EROFS.Superblock, by cursor: inout EROFS.MetadataCursor
  ) throws(ReadError) {
    let start = inode.tailStart.roundedUp(toMultipleOf: 8)
    let at = try cursor.seek(8, at: start)
    let span = cursor.bytes.rawSpan
    end = start + 8
    let clusterBits = try span.u8(at + 7)
    guard clusterBits & 0x80 == 0 else {
      kind = .wholeFragment(try span.le64(at) & ~(1 << 63))
      advice = .fragment
      clusterShift = superblock.blockShift
      algorithms = (.lz4, .lz4)
      inlineSize = 0
      fragmentOffset = 0
      return
    }
    advice = Advice(rawValue: try span.le16(at + 4))
    clusterShift = superblock.blockShift + UInt64(clusterBits & 15)
    if inode.storage == .compressedFull && advice.contains(.extents) {
      kind = .extents(count: UInt64(try span.le32(at)) | UInt64(try span.le16(at + 6)) << 32)
      algorithms = (.lz4, .lz4)
      inlineSize = 0
      fragmentOffset = 0
      return
    }

    kind = .clusters
    let types = try span.u8(at + 6)
    guard let first = EROFS.Algorithm(rawValue: types & 15), let second = EROFS.Algorithm(rawValue: types >> 4) else {
      throw .unsupported("compression algorithm", at: inode.number)
    }
    algorithms = (first, second)
    let isFragmented = advice.contains(.fragment)
    fragmentOffset = isFragmented ? UInt64(try span.le32(at)) : 0
    inlineSize = !isFragmented && advice.contains(.inlineCluster) ? UInt64(try span.le16(at + 2)) : 0
    let hasBig = (advice.contains(.bigClusters1), advice.contains(.bigClusters2))
    guard superblock.incompatible.contains(.compressionConfigurations) || !(hasBig.0 || hasBig.1),
      inode.storage == .compressedFull || hasBig.0 == hasBig.1
    else { throw .corrupt("compression header", at: inode.number) }
  }
}
