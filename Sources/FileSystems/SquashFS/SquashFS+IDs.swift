internal import Bytes

/// Owners and groups: an inode has numbers of entries in a table of 32-bit ids.
extension SquashFS {
  /// The table, decoded: at most 65536 ids.
  struct IDs: Sendable {
    private static let perBlock = SquashFS.metadataBlockSize / 4

    private let count: Int
    /// A part that cannot be read is an error of what belongs to its owners, and of nothing else.
    private let parts: [Result<[UInt32], ReadError>]

    init(_ parts: [Result<[UInt32], ReadError>], count: Int) {
      self.parts = parts
      self.count = count
    }

    subscript(index: UInt16) -> UInt32 {
      get throws(ReadError) {
        let number = Int(index)
        guard number < count else { throw .corrupt("owner of an inode", at: UInt64(index)) }
        let part = try parts[number / Self.perBlock].get()
        let place = number % Self.perBlock
        guard place < part.count else { throw .corrupt("table of owners", at: UInt64(index)) }
        return part[place]
      }
    }
  }

  static func readIDs(_ superblock: Superblock, by metadata: MetadataBlocks) -> IDs {
    let table = Table(
      index: superblock.idTable, count: UInt64(superblock.idCount), recordSize: 4,
      region: superblock.directoryTable..<superblock.idTable, subject: "table of owners")
    let parts = (0..<table.blockCount).map { number -> Result<[UInt32], ReadError> in
      do throws(ReadError) {
        let decoded = try metadata.block(number, of: table).decoded
        var ids: [UInt32] = []
        for offset in stride(from: 0, through: decoded.count - 4, by: 4) {
          ids.append(try decoded.bytes.le32(offset))
        }
        return .success(ids)
      } catch {
        return .failure(error)
      }
    }
    return IDs(parts, count: superblock.idCount)
  }
}
