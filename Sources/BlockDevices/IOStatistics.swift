public import Synchronization

/// What this process has read of the host, for `--stats`, for tests and for benchmarks. Each number only ever grows.
public enum IOStatistics {
  /// Calls of pread(2) for image data and metadata, and the bytes they gave.
  public static let hostReads = Atomic<UInt64>(0)
  public static let hostBytes = Atomic<UInt64>(0)
  /// Metadata blocks that `BlockCache` had, and had not.
  public static let cacheHits = Atomic<UInt64>(0)
  public static let cacheMisses = Atomic<UInt64>(0)
  /// Encoded units that were decoded.
  public static let unitsDecoded = Atomic<UInt64>(0)

  /// One `key value` line for each number, in an order that never changes.
  public static var lines: [String] {
    [
      "host_reads \(hostReads.load(ordering: .relaxed))",
      "host_bytes \(hostBytes.load(ordering: .relaxed))",
      "metadata_cache_hits \(cacheHits.load(ordering: .relaxed))",
      "metadata_cache_misses \(cacheMisses.load(ordering: .relaxed))",
      "units_decoded \(unitsDecoded.load(ordering: .relaxed))",
    ]
  }
}
