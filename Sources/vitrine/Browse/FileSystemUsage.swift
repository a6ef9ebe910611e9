internal import FileSystems

/// Bytes and inodes, as statfs(2) tells them.
struct FileSystemUsage {
  private(set) var size: UInt64 = 0
  private(set) var used: UInt64 = 0
  private(set) var free: UInt64 = 0
  /// What is free and not reserved for root.
  private(set) var available: UInt64 = 0
  private(set) var inodes: UInt64 = 0
  private(set) var freeInodes: UInt64 = 0

  /// Of nothing.
  init() {}

  mutating func add(_ other: FileSystemUsage) {
    func sum(_ first: UInt64, _ second: UInt64) -> UInt64 {
      let (sum, overflow) = first.addingReportingOverflow(second)
      return overflow ? .max : sum
    }
    size = sum(size, other.size)
    used = sum(used, other.used)
    free = sum(free, other.free)
    available = sum(available, other.available)
    inodes = sum(inodes, other.inodes)
    freeInodes = sum(freeInodes, other.freeInodes)
  }

  init(_ summary: FileSystemSummary) {
    func bytes(_ blocks: UInt64) -> UInt64 {
      let (product, overflow) = blocks.multipliedReportingOverflow(by: UInt64(summary.blockSize))
      return overflow ? .max : product
    }
    size = bytes(summary.blockCount)
    free = bytes(summary.freeBlockCount)
    used = bytes(summary.blockCount - min(summary.freeBlockCount, summary.blockCount))
    available = bytes(summary.availableBlockCount)
    inodes = summary.inodeCount
    freeInodes = summary.freeInodeCount
  }
}
