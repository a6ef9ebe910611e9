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
      details.append(
        FileSystemDetail(
          "codecs", .texts(compression.algorithms.map(\.name)),
          text: compression.algorithms.map(text).joined(separator: ", ")))
    }
    if compression.allows(.lz4), compression.lz4ClusterBlocks > 1 {
      details.append(
        FileSystemDetail("cluster", .size(UInt64(compression.lz4ClusterBlocks) << superblock.blockShift)))
    }
    if let contents = contentSize() {
      details.append(FileSystemDetail("contents", .size(contents)))
      if let ratio = ratio(ofContents: contents) { details.append(FileSystemDetail("ratio", .text(ratio))) }
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

  /// How many times as much as the filesystem takes is in its files, to a hundredth.
  private func ratio(ofContents contents: UInt64) -> String? {
    let size = summary.blockCount.multipliedReportingOverflow(by: UInt64(superblock.blockSize))
    guard !size.overflow, size.partialValue > 0, contents < 1 << 53 else { return nil }
    let hundredths = contents * 100 / size.partialValue
    let rest = hundredths % 100
    return "\(hundredths / 100).\(rest < 10 ? "0" : "")\(rest)"
  }
}
