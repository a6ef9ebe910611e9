internal import BlockDevices
internal import Bytes

/// Finding a superblock that can be used, and group descriptors that go with it.
extension Ext4 {
  /// What opening found.
  struct Found {
    let superblock: Superblock
    /// The group whose copy of the superblock is used.
    let group: UInt64
    let notices: [String]
  }

  /// The superblock at byte 1024, or, where it is bad, the first good copy.
  static func findSuperblock(on device: any BlockDevice) throws(OpenError) -> Found {
    let failure: OpenError
    var hint: Hint?
    do throws(OpenError) {
      let bytes = try read(on: device, at: Superblock.offset)
      hint = Hint(bytes.rawSpan)
      guard Superblock.hasMagic(bytes.rawSpan) else { throw .notRecognized }
      return Found(superblock: try Superblock(parsing: bytes.rawSpan), group: 0, notices: [])
    } catch {
      if case .unsupported = error { throw error }
      failure = error
    }
    for (blockSize, group, offset) in candidates(on: device, hint: hint) {
      guard let bytes = try? read(on: device, at: offset), Superblock.hasMagic(bytes.rawSpan),
        let copy = try? Superblock(parsing: bytes.rawSpan), copy.blockSize == blockSize,
        UInt64(copy.facts.groupNumber) == group & 0xFFFF, copy.firstBlock(ofGroup: group) << copy.blockShift == offset
      else { continue }
      let block = offset >> copy.blockShift
      return Found(
        superblock: copy, group: group, notices: ["superblock is damaged: using the backup at block \(block)"])
    }
    throw failure
  }

  private static func read(on device: any BlockDevice, at offset: UInt64) throws(OpenError) -> [UInt8] {
    do throws(ReadError) {
      return try device.bytes(Superblock.byteCount, at: offset)
    } catch {
      // What is too short for a superblock has none.
      if error.cause == .truncated { throw .notRecognized }
      throw .unreadable(error)
    }
  }

  /// What a damaged superblock may still say of where its copies are. Not trusted: the copy has to be good.
  private struct Hint {
    let blockSize: Int
    let blocksPerGroup: UInt64
    let backupGroups: [UInt64]

    init?(_ span: RawSpan) {
      guard let log = try? span.le32(0x18), log <= 6, let blocks = try? span.le32(0x20), blocks > 0,
        let first = try? span.le32(0x24C), let second = try? span.le32(0x250)
      else { return nil }
      blockSize = 1024 << Int(log)
      blocksPerGroup = UInt64(blocks)
      backupGroups = [UInt64(first), UInt64(second)].filter { $0 > 0 }
    }
  }

  /// Where copies usually are: groups 1, 3, 5, 7, 9, 25, 27 and 49 (`sparse_super`), and the last one
  /// (`sparse_super2`), for every block size and the size of group that goes with it; first what `hint` says.
  private static func candidates(
    on device: any BlockDevice, hint: Hint?
  ) -> [(blockSize: Int, group: UInt64, offset: UInt64)] {
    var layouts: [(blockSize: Int, blocksPerGroup: UInt64, groups: [UInt64])] = []
    if let hint { layouts.append((hint.blockSize, hint.blocksPerGroup, hint.backupGroups + usualGroups)) }
    for log in 0...6 { layouts.append((1024 << log, UInt64(8192 << log), usualGroups)) }
    var result: [(blockSize: Int, group: UInt64, offset: UInt64)] = []
    for layout in layouts {
      let blocks = device.size / UInt64(layout.blockSize)
      // Block 0 of 1 KiB is the boot block, unless clusters are larger.
      for first in layout.blockSize == 1024 ? [1, 0] as [UInt64] : [0] where blocks > first {
        let last = (blocks - first - 1) / layout.blocksPerGroup
        for group in layout.groups + [last] where group > 0 && group <= last {
          result.append(
            (layout.blockSize, group, (first + group * layout.blocksPerGroup) * UInt64(layout.blockSize)))
        }
      }
    }
    return result
  }

  private static var usualGroups: [UInt64] { [1, 3, 5, 7, 9, 25, 27, 49] }

  /// The first copy of the group descriptors if the first descriptor of it is good (the root directory depends on that
  /// one), or else another copy of which that is true, and a word about it.
  static func findDescriptors(
    of superblock: Superblock, from group: UInt64, blocks: BlockCache
  ) -> (GroupDescriptors, notice: String?) {
    let first = GroupDescriptors(superblock: superblock, blocks: blocks, copy: 0)
    if (try? first.inodeTable(ofGroup: 0)) != nil { return (first, nil) }
    for other in [group] + usualGroups + [superblock.groupCount - 1]
    where other > 0 && other < superblock.groupCount && superblock.hasSuperblock(inGroup: other) {
      let copy = GroupDescriptors(superblock: superblock, blocks: blocks, copy: other)
      if (try? copy.inodeTable(ofGroup: 0)) != nil {
        return (copy, "group descriptors are damaged: using the copy in group \(other)")
      }
    }
    return (first, nil)
  }
}
