public import BlockDevices
internal import Bytes
internal import Synchronization

/// Has decoded, by the threads of the cache of decoded units, what those who read in order will want next: the rest of a
/// file, and once they went from one file to the one that is stored behind it, the files behind that.
///
/// It watches what is read, and knows a few readers at a time, each by its *stream*: the bytes of files in the order in
/// which they are stored, one behind the other. Nothing is done for files that are stored as they are.
public final class ReadAhead: Sendable {
  private let tree: Tree
  private let streams = Mutex(Streams())

  public init(in tree: Tree) { self.tree = tree }

  /// Tells that `range` of the file `number` is about to be read.
  /// - Parameter extents: where the range lies.
  public func note(
    _ range: Range<UInt64>, of number: UInt64, _ file: any BlockDevice, extents: HostExtentList
  ) {
    guard let (unit, first) = extents.firstUnit, let cache = unit.cache, cache.aheadLimit > 0 else { return }
    let read = Stream.Read(number: number, range: range, first: first, file: file)
    let order = streams.withLock { $0.note(read, limit: cache.aheadLimit) }
    guard let order else { return }
    if !cache.later({ [self] in carryOut(order) }) { streams.withLock { $0.finish(order) } }
  }

  /// Goes through an order's bytes, and lets the units that they lie in be decoded.
  private func carryOut(_ order: Stream.Order) {
    var order = order
    var extents = HostExtentList(limit: 64)
    while order.position < order.goal {
      guard let file = order.file ?? (order.crossesFiles ? try? tree.file(order.number) : nil) else { break }
      order.file = file
      let offset = order.position - order.fileStart
      if offset >= file.size {
        guard order.followers.count < Stream.fileLimit, order.enter(tree.follower(of: order.number)) else { break }
        continue
      }
      extents.removeAll()
      let end = min(file.size, offset + (order.goal - order.position))
      guard (try? file.resolve(offset..<end, into: &extents)) != nil, extents.length > 0 else { break }
      for extent in extents.extents {
        if case .encoded(let unit, _) = extent.kind { unit.cache?.decodeAhead(unit) }
      }
      order.position += extents.length
    }
    streams.withLock { $0.finish(order) }
  }
}

extension HostExtentList {
  /// The first unit that is kept once it is decoded, and the bytes from the list's start to its end.
  fileprivate var firstUnit: (DecodableUnit, UInt64)? {
    var length: UInt64 = 0
    for extent in extents {
      length += extent.length
      if case .encoded(let unit, _) = extent.kind, unit.isCached { return (unit, length) }
    }
    return nil
  }
}
