import BlockDevices
import Bytes
import DiskImages

/// Uses what an opened image offers, within bounds that count work. Errors are expected; broken promises are not.
struct ImageWalk {
  let image: DiskImage
  var random: Random
  private(set) var bytesRead = 0

  init(_ image: DiskImage, seed: UInt64) {
    self.image = image
    random = Random(seed: seed)
  }

  /// - Parameter readsData: whether the disk is read, too; without, only tables are.
  mutating func run(readsData: Bool = true) {
    checkSummary()
    let size = image.disk.size
    guard size > 0 else { return }
    resolveAll(size)
    guard readsData else { return }
    var starts: [UInt64] = [0, size - 1, size / 2]
    for _ in 0..<24 { starts.append(random.next() % size) }
    // What a table or filesystem begins with.
    starts += [512, 4096, 1 << 20].filter { $0 < size }
    for start in starts {
      let count = Int(min(size - start, [1, 512, 4096, 70_000, 600_000][random.below(5)]))
      compare(start, count)
    }
  }

  private func checkSummary() {
    for image in sequence(first: image, next: \.parent) {
      for notice in image.allNotices where notice.isEmpty { fail("a notice without words") }
      if let cluster = image.summary.clusterSize, cluster == 0 { fail("clusters of 0 bytes") }
      if let sector = image.summary.sectorSize, sector != 512 && sector != 4096 { fail("sectors of \(sector) bytes") }
      if image.summary.snapshots.count > 65536 { fail("\(image.summary.snapshots.count) snapshots") }
      _ = "\(image.summary)"
    }
  }

  /// Goes through the whole disk as SEEK_HOLE does, for so long.
  private func resolveAll(_ size: UInt64) {
    var position: UInt64 = 0
    var extents = HostExtentList(findsHostHoles: true)
    for _ in 0..<50 where position < size {
      extents.removeAll()
      do { try image.disk.resolve(position..<size, into: &extents) } catch { return }
      check(extents, position..<size)
      position += extents.length
    }
  }

  private func check(_ extents: HostExtentList, _ range: Range<UInt64>) {
    if extents.length == 0 { fail("no extent at \(range)") }
    if extents.length > range.upperBound - range.lowerBound { fail("extents beyond \(range)") }
    if !extents.isFull && extents.length < range.upperBound - range.lowerBound { fail("a gap at the end of \(range)") }
    for extent in extents.extents where extent.length == 0 { fail("an empty extent in \(range)") }
  }

  /// A read gives what its extents give.
  private mutating func compare(_ start: UInt64, _ count: Int) {
    let range = start..<(start + UInt64(count))
    var extents = HostExtentList()
    do { try image.disk.resolve(range, into: &extents) } catch {
      // Then the whole range cannot be read.
      if (try? image.disk.bytes(count, at: start)) != nil { fail("\(range) is read, though \(error)") }
      return
    }
    check(extents, range)
    guard let bytes = try? image.disk.bytes(count, at: start) else { return }
    if bytes.count != count { fail("\(bytes.count) bytes of \(count) at \(start)") }
    bytesRead += count
    var position = 0
    for extent in extents.extents {
      let length = Int(extent.length)
      if (try? extent.bytes()).map({ $0 == Array(bytes[position..<(position + length)]) }) != true {
        fail("the extent at \(position) of \(range) gives other bytes")
      }
      position += length
    }
  }
}
