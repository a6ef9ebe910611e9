internal import BlockDevices
internal import Bytes

/// What `inspect` tells of an EROFS besides the summary.
extension EROFS {
  public var details: [FileSystemDetail] {
    var details: [FileSystemDetail] = []
    let compression = superblock.compression
    // Images without configurations do not say whether anything is compressed at all.
    let isCompressed =
      superblock.incompatible.contains(.compressionConfigurations) || superblock.incompatible.contains(.zeroPadding)
    if isCompressed, !compression.algorithms.isEmpty {
      details.append(FileSystemDetail("compression", .texts(compression.algorithms.map(text))))
    }
    if compression.allows(.lz4), compression.lz4ClusterBlocks > 1 {
      details.append(
        FileSystemDetail("cluster", .size(UInt64(compression.lz4ClusterBlocks) << superblock.blockShift)))
    }
    let stored = summary.blockCount.multipliedReportingOverflow(by: UInt64(superblock.blockSize))
    if let size = contentSize(), size > 0, !stored.overflow {
      details.append(FileSystemDetail("stored", .part(stored.partialValue, of: size)))
    }
    if !devices.slots.isEmpty {
      let names = devices.slots.enumerated().map { index, slot in
        slot.tag.isEmpty ? "\(index + 1)" : String(decoding: slot.tag, as: UTF8.self)
      }
      details.append(FileSystemDetail("devices", .texts(names)))
    }
    return details
  }

  private func text(_ algorithm: Algorithm) -> String {
    let compression = superblock.compression
    let window: UInt64 =
      switch algorithm {
      case .lz4: compression.lz4Distance == 0 ? 65535 : UInt64(compression.lz4Distance)
      case .lzma: UInt64(compression.lzmaDictionary)
      case .deflate: 1 << UInt64(compression.deflateWindowBits)
      case .zstd: 1 << UInt64(compression.zstdWindowLog)
      }
    return "\(algorithm.name) (window of \((window + 1023) >> 10) KiB)"
  }
}
