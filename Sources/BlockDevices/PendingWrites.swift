public import Bytes

/// Writes that a journal or log holds and that never reached their places, in their order: a later one wins over those
/// before it. `ReplayedMap` shows a device as it would be with them.
public struct PendingWrites: Sendable {
  /// What a write puts to its place.
  enum Content: Sendable, Equatable {
    case zeros
    /// Bytes of a device (an index into those of the map), from `offset` on: the journal itself is not copied.
    case copied(source: Int, offset: UInt64)
    /// Bytes of `literals`, from `offset` on: the few that a journal keeps elsewhere than the rest of a block.
    case literal(offset: Int)

    /// What stands `count` bytes further on.
    func advanced(by count: UInt64) -> Content {
      switch self {
      case .zeros: .zeros
      case .copied(let source, let offset): .copied(source: source, offset: offset + count)
      case .literal(let offset): .literal(offset: offset + Int(count))
      }
    }
  }

  struct Write: Sendable {
    var start: UInt64
    var end: UInt64
    var content: Content
  }

  private(set) var writes: [Write] = []
  private(set) var literals: [UInt8] = []
  /// One byte past the last that is written to; 0 where nothing is.
  public private(set) var end: UInt64 = 0
  private let limit: Int

  /// Enough for a journal of a gibibyte in blocks of 4 KiB; about 30 MiB while a map is made, and 10 MiB afterwards.
  public static let defaultLimit = 1 << 18

  /// - Parameter limit: writes at most, and 16 times as many bytes of literals.
  public init(limit: Int = PendingWrites.defaultLimit) { self.limit = limit }

  /// Number of writes.
  public var count: Int { writes.count }

  /// Writes `count` zeros at `offset`.
  /// - Throws: as all writes: `.corrupt` where the range overflows, `.unsupported` where there are too many.
  public mutating func zero(_ count: UInt64, at offset: UInt64) throws(ReadError) {
    try append(count, at: offset, .zeros)
  }

  /// Writes the `count` bytes from `sourceOffset` on of the device `source`: 0 is the one that is written to.
  public mutating func copy(
    _ count: UInt64, at offset: UInt64, from sourceOffset: UInt64, of source: Int = 0
  ) throws(ReadError) {
    _ = try sourceOffset.adding(count, of: "journal")
    try append(count, at: offset, .copied(source: source, offset: sourceOffset))
  }

  /// Writes `bytes`, which are kept in memory.
  public mutating func write(_ bytes: [UInt8], at offset: UInt64) throws(ReadError) {
    guard literals.count + bytes.count <= 16 * limit else { throw .unsupported("journal of so many bytes") }
    try append(UInt64(bytes.count), at: offset, .literal(offset: literals.count))
    literals += bytes
  }

  private mutating func append(_ count: UInt64, at offset: UInt64, _ content: Content) throws(ReadError) {
    let writeEnd = try offset.adding(count, of: "journal")
    guard count > 0 else { return }
    guard writes.count < limit else { throw .unsupported("journal of so many writes") }
    writes.append(Write(start: offset, end: writeEnd, content: content))
    end = max(end, writeEnd)
  }

  /// What is left of the writes when they are all done: ascending, without overlaps.
  ///
  /// Time is n log n in the number of writes. The ranges between the writes' ends are painted from the last write to
  /// the first, each only where nothing is painted yet; `next` leads past what is.
  func flattened() -> [Write] {
    let ends = Self.sortedUnique(writes.flatMap { [$0.start, $0.end] })
    guard ends.count > 1 else { return [] }
    var painted = [Int32](repeating: -1, count: ends.count - 1)
    var next = Array(0..<ends.count)
    for (index, write) in writes.enumerated().reversed() {
      let last = Self.place(of: write.end, in: ends)
      var place = Self.follow(&next, from: Self.place(of: write.start, in: ends))
      while place < last {
        painted[place] = Int32(index)
        next[place] = place + 1
        place = Self.follow(&next, from: place + 1)
      }
    }
    var result: [Write] = []
    for (place, index) in painted.enumerated() where index >= 0 {
      let write = writes[Int(index)]
      let content = write.content.advanced(by: ends[place] - write.start)
      if let previous = result.last, previous.end == ends[place],
        previous.content.advanced(by: previous.end - previous.start) == content
      {
        result[result.count - 1].end = ends[place + 1]
      } else {
        result.append(Write(start: ends[place], end: ends[place + 1], content: content))
      }
    }
    return result
  }

  /// The first place from `start` on that is not painted, with the way there shortened for the next to come.
  private static func follow(_ next: inout [Int], from start: Int) -> Int {
    var end = start
    while next[end] != end { end = next[end] }
    var place = start
    while place != end {
      let following = next[place]
      next[place] = end
      place = following
    }
    return end
  }

  private static func sortedUnique(_ values: [UInt64]) -> [UInt64] {
    var result: [UInt64] = []
    for value in values.sorted() where result.last != value { result.append(value) }
    return result
  }

  /// The index of `value`, which is in `values`.
  private static func place(of value: UInt64, in values: [UInt64]) -> Int {
    values.indices.partitioningIndex { values[$0] >= value }
  }
}
