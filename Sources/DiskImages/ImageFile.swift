internal import BlockDevices
internal import Bytes
internal import SystemPackage

/// A file that holds an image, or a part of one, as a format gets to see it.
struct ImageFile {
  let device: any BlockDevice
  /// What the file is called, and what relative names in it are relative to.
  let path: FilePath
  let opening: ImageOpening
  /// The options that the image itself is opened with; its backing file gets others.
  let options: ImageOptions

  /// The `count` bytes at `offset`. For headers: the caller bounds `count`.
  func bytes(_ count: Int, at offset: UInt64) throws(ImageError) -> [UInt8] {
    try ImageError.wrapping { () throws(ReadError) in try device.bytes(count, at: offset) }
  }

  /// A table of `count` entries of `entrySize` bytes at `offset`.
  /// - Parameter pages: the image's own `tableCache()`.
  func table(
    at offset: UInt64, count: UInt64, entrySize: Int, pages: BlockCache
  ) throws(ImageError) -> EntryTable {
    try ImageError.wrapping { () throws(ReadError) in
      try EntryTable(
        in: device, at: offset, count: count, entrySize: entrySize, budget: opening.tableBudget, pages: pages)
    }
  }

  /// A cache for parts of the image's tables, in pieces of up to `EntryTable.pageSize` bytes. One for each file.
  func tableCache() -> BlockCache {
    BlockCache(of: device, blockSize: EntryTable.pageSize, budget: opening.cacheBudget)
  }

  /// Opens a file that the image names, relative to its own folder, as a part of it.
  func openPart(_ name: String) throws(ImageError) -> HostFile { try opening.open(name, namedBy: path) }

  /// The same by several names, of which the first that is there is taken.
  func openPart(_ names: [String]) throws(ImageError) -> HostFile { try opening.openFirst(names, namedBy: path) }

  /// Opens the backing file or parent that the image names, or the one that was given in its stead.
  ///
  /// - Parameters:
  ///   - names: what the image calls it, the first that is there is taken; with the format where the image says it.
  ///   - format: nil to find out.
  func openParent(_ names: [String], format: ImageFormat? = nil) throws(ImageError) -> DiskImage {
    try opening.openParent(names, format: format, of: self)
  }
}
