internal import BlockDevices

/// One who reads files in order: where he is, and how far ahead of him has been looked.
///
/// Positions count the bytes of the stream's files, one behind the other, from where the stream began.
struct Stream {
  /// What is read.
  struct Read {
    let number: UInt64
    let range: Range<UInt64>
    /// Bytes from the range's start which the reader decodes at once, himself.
    let first: UInt64
    let file: any BlockDevice
  }

  /// What is to be looked through: from a position on to a goal.
  struct Order: Sendable {
    fileprivate let stream: UInt64
    /// The file that `position` is in, or at the end of.
    fileprivate(set) var number: UInt64
    /// The same, once it is open.
    var file: (any BlockDevice)?
    /// Position at which the file begins.
    fileprivate(set) var fileStart: UInt64
    var position: UInt64
    let goal: UInt64
    /// Whether what lies behind the file is wanted too, or only to be known.
    let crossesFiles: Bool
    /// Files that were found behind it.
    fileprivate(set) var followers: [Member] = []
    fileprivate var isAtEnd = false

    /// Goes on to the file behind; false where there is none.
    mutating func enter(_ next: UInt64?) -> Bool {
      guard let next else {
        isAtEnd = true
        return false
      }
      number = next
      file = nil
      fileStart = position
      followers.append(Member(number: next, start: position))
      return true
    }
  }

  struct Member: Sendable {
    let number: UInt64
    /// Position of its first byte.
    let start: UInt64
  }

  /// Files that a stream remembers, and that are looked at in one go.
  static let fileLimit = 128
  /// Requests of one reader come in a little out of order, as several threads take them: by so many of their lengths.
  private static let slack: UInt64 = 4
  /// Position of a stream's first byte: what comes a little earlier has a place too.
  private static let start: UInt64 = 1 << 62
  private static let firstWindow: UInt64 = 256 << 10

  let id: UInt64
  var lastUse: UInt64
  private var members: [Member]
  /// Where what was read ends.
  private var read: UInt64
  /// What was looked at: up to a position in a file.
  private struct Ahead {
    let position: UInt64
    let number: UInt64
    let file: (any BlockDevice)?
    let fileStart: UInt64

    init(position: UInt64, number: UInt64, file: (any BlockDevice)?, fileStart: UInt64) {
      self.position = position
      self.number = number
      self.file = file
      self.fileStart = fileStart
    }

    init(position: UInt64, _ read: Read, fileStart: UInt64) {
      self.init(position: position, number: read.number, file: read.file, fileStart: fileStart)
    }
  }

  /// nil once nothing is known to follow.
  private var ahead: Ahead?
  /// Bytes to be ahead of the reader.
  private var window: UInt64
  private var followsFiles = false
  private var isBusy = false

  init(id: UInt64, _ first: Read) {
    self.id = id
    lastUse = id
    members = [Member(number: first.number, start: Self.start - min(first.range.lowerBound, Self.start))]
    read = Self.start + (first.range.upperBound - first.range.lowerBound)
    ahead = Ahead(position: Self.start + first.first, first, fileStart: members[0].start)
    // Who starts with a file's start will likely go on; anybody else has to show it.
    window = first.range.lowerBound == 0 ? Self.firstWindow : 0
  }

  /// Position of a read that goes on with this stream; nil where it does not.
  func position(of next: Read) -> UInt64? {
    guard let member = members.last(where: { $0.number == next.number }) else { return nil }
    let position = member.start &+ next.range.lowerBound
    let slack = Self.slack * min(next.range.upperBound - next.range.lowerBound, 1 << 20)
    // Files that are stored as they are, or of which nothing is read, lie between those that are noted.
    let startsFile = next.range.lowerBound == 0 && position >= read
    return startsFile || (position <= read + slack && position + slack >= read) ? position : nil
  }

  /// Moves on to what is read at `position`.
  mutating func advance(to next: Read, at position: UInt64, limit: UInt64) {
    let end = position + (next.range.upperBound - next.range.lowerBound)
    if next.range.lowerBound == 0, position > Self.start { followsFiles = true }
    if end > read {
      window = min(max(window * 2, Self.firstWindow), limit)
      read = end
    }
    // What the reader decodes himself need not be looked at any more.
    if let ahead, ahead.position < position + next.first {
      self.ahead = Ahead(position: position + next.first, next, fileStart: position - next.range.lowerBound)
    }
  }

  /// What is to be looked through now, if anything.
  mutating func order() -> Order? {
    guard !isBusy, window > 0, let ahead, ahead.position < read + window / 2 + 1 else { return nil }
    isBusy = true
    return Order(
      stream: id, number: ahead.number, file: ahead.file, fileStart: ahead.fileStart, position: ahead.position,
      goal: read + window, crossesFiles: followsFiles)
  }

  mutating func finish(_ order: Order) {
    isBusy = false
    members += order.followers
    if members.count > Self.fileLimit { members.removeFirst(members.count - Self.fileLimit) }
    guard let ahead, ahead.position <= order.position else { return }
    if order.isAtEnd {
      self.ahead = nil
    } else {
      self.ahead = Ahead(
        position: order.position, number: order.number, file: order.file, fileStart: order.fileStart)
    }
  }
}

/// The streams that are known.
struct Streams {
  private static let limit = 8
  private var streams: [Stream] = []
  private var clock: UInt64 = 0

  /// Takes in a read, and says what is to be looked through for it.
  mutating func note(_ read: Stream.Read, limit: UInt64) -> Stream.Order? {
    clock += 1
    for index in streams.indices {
      guard let position = streams[index].position(of: read) else { continue }
      streams[index].lastUse = clock
      streams[index].advance(to: read, at: position, limit: limit)
      return streams[index].order()
    }
    if streams.count >= Self.limit, let oldest = streams.indices.min(by: { streams[$0].lastUse < streams[$1].lastUse })
    {
      streams.remove(at: oldest)
    }
    streams.append(Stream(id: clock, read))
    return streams[streams.count - 1].order()
  }

  mutating func finish(_ order: Stream.Order) {
    guard let index = streams.firstIndex(where: { $0.id == order.stream }) else { return }
    streams[index].finish(order)
  }
}
