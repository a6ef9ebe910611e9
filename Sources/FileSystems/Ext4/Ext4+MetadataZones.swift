internal import Bytes
internal import Synchronization

/// Where bitmaps and inode tables lie: no file is made of these blocks, and one that says so is corrupt.
///
/// Linux reads all group descriptors when it mounts, and knows them all. Here the descriptors of a flexible block group
/// (of one group, without that feature) are read when a file has blocks there, for as a rule their metadata lies there
/// as well. So what another, far away group may have among these blocks is not seen.
final class Ext4MetadataZones: Sendable {
  private let descriptors: Ext4.GroupDescriptors
  private let groupsPerUnit: UInt64
  /// The most recently used units, each in the one place that its number gives.
  private let known: Mutex<[Unit?]>

  private struct Unit: Sendable {
    let number: UInt64
    /// Blocks; ascending, apart from each other.
    let ranges: [Range<UInt64>]
  }

  private static let places = 64
  /// Groups beyond these in a unit are left out: their number is whatever a superblock says.
  private static let mostGroupsPerUnit: UInt64 = 256

  init(of descriptors: Ext4.GroupDescriptors) {
    self.descriptors = descriptors
    groupsPerUnit = descriptors.superblock.groupsPerFlexibleGroup
    known = Mutex([Unit?](repeating: nil, count: Self.places))
  }

  /// Whether any of `count` blocks from `first` on is metadata. They lie within the filesystem.
  func contain(_ first: UInt64, count: UInt64) -> Bool {
    let superblock = descriptors.superblock
    let span = superblock.blocksPerGroup * groupsPerUnit
    var unit = (first - superblock.firstDataBlock) / span
    // One extent is 32,768 blocks at most, and a group has hardly less than 256.
    let last = min((first + count - 1 - superblock.firstDataBlock) / span, unit + 128)
    while unit <= last {
      for range in ranges(ofUnit: unit) where range.lowerBound < first + count {
        if range.upperBound > first { return true }
      }
      unit += 1
    }
    return false
  }

  private func ranges(ofUnit number: UInt64) -> [Range<UInt64>] {
    let place = Int(number % UInt64(Self.places))
    if let unit = known.withLock({ $0[place] }), unit.number == number { return unit.ranges }
    let ranges = readRanges(ofUnit: number)
    known.withLock { $0[place] = Unit(number: number, ranges: ranges) }
    return ranges
  }

  private func readRanges(ofUnit number: UInt64) -> [Range<UInt64>] {
    let first = number * groupsPerUnit
    let end = min(first + min(groupsPerUnit, Self.mostGroupsPerUnit), descriptors.superblock.groupCount)
    var ranges: [Range<UInt64>] = []
    for group in first..<max(first, end) {
      // What a damaged descriptor says is not known; the files whose inodes it leads to cannot be read anyway.
      guard let metadata = try? descriptors.metadata(ofGroup: group) else { continue }
      ranges.append(metadata.blockBitmap..<(metadata.blockBitmap + 1))
      ranges.append(metadata.inodeBitmap..<(metadata.inodeBitmap + 1))
      ranges.append(metadata.inodeTable..<(metadata.inodeTable + descriptors.superblock.tableBlocksPerGroup))
    }
    ranges.sort { $0.lowerBound < $1.lowerBound }
    var merged: [Range<UInt64>] = []
    for range in ranges {
      if let previous = merged.last, range.lowerBound <= previous.upperBound {
        merged[merged.count - 1] = previous.lowerBound..<max(previous.upperBound, range.upperBound)
      } else {
        merged.append(range)
      }
    }
    return merged
  }
}

extension Ext4 {
  /// Whether a run of blocks can belong to a file: within the filesystem, and not among its metadata.
  func canBeFileData(_ first: UInt64, count: UInt64) -> Bool {
    superblock.canBeFileData(first, count: count) && !zones.contain(first, count: count)
  }
}
