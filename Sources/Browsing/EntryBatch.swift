internal import Bytes
public import FileSystems

/// An entry of a folder, with its name.
public struct FolderEntry: Sendable {
  public let name: ArraySlice<UInt8>
  /// The tree's number for the node.
  public let number: UInt64
  /// `st_ino`.
  public let statNumber: UInt64
  /// nil where the folder does not say, and the node has to be asked.
  public let type: NodeType?
}

/// Entries of one folder, held in two arrays: one of all names together, one of the rest.
struct EntryBatch {
  struct Item {
    var start: Int
    var length: Int
    var number: UInt64
    var statNumber: UInt64
    var type: NodeType?
    /// Behind the entry.
    var cookie: UInt64
    var sortKey: EntryKey
  }

  private(set) var names: [UInt8] = []
  private(set) var items: [Item] = []

  /// Bytes of memory that an item takes beside its name.
  static let itemSize = MemoryLayout<Item>.stride

  /// Bytes of memory, about.
  var heldSize: Int { names.count + items.count * Self.itemSize }

  mutating func append(_ name: [UInt8], _ entry: ListedEntry, key: EntryKey) {
    items.append(
      Item(
        start: names.count, length: name.count, number: entry.number, statNumber: entry.statNumber, type: entry.type,
        cookie: entry.cookie, sortKey: key))
    names += name
  }

  func name(of item: Item) -> ArraySlice<UInt8> { names[item.start..<item.start + item.length] }

  func entry(at index: Int) -> FolderEntry {
    let item = items[index]
    return FolderEntry(name: name(of: item), number: item.number, statNumber: item.statNumber, type: item.type)
  }

  mutating func sort(by order: FolderOrder) {
    let names = names
    items.sort { first, second in
      if let known = order.precedes(first.sortKey, second.sortKey) { return known }
      return order.precedes(
        names[first.start..<first.start + first.length], names[second.start..<second.start + second.length])
    }
  }

  /// Keeps the first `count` items, and their names only.
  mutating func truncate(to count: Int) {
    guard count < items.count else { return }
    items.removeLast(items.count - count)
    var kept: [UInt8] = []
    for index in items.indices {
      let start = kept.count
      kept += name(of: items[index])
      items[index].start = start
    }
    names = kept
  }
}

/// What entries are sorted by as long as it tells them apart; whole names decide the rest.
struct EntryKey: Sendable {
  /// Size or time, the greatest first; equal for all where only names count.
  var major: Int64 = 0
  var minor: UInt32 = 0
  /// The name's first eight bytes.
  var prefix: UInt64 = 0

  init(_ name: some Collection<UInt8>) {
    var shift: UInt64 = 64
    for byte in name.prefix(8) {
      shift -= 8
      prefix |= UInt64(byte) << shift
    }
  }
}

/// The order in which a folder's entries are told.
public enum FolderOrder: Sendable, Equatable {
  /// As they lie in the folder: the quickest.
  case listed
  /// By name, byte by byte.
  case byName(reversed: Bool = false)
  /// The largest first; by name where that is equal.
  case bySize(reversed: Bool = false)
  /// The latest first; by name where that is equal.
  case byTime(Time, reversed: Bool = false)

  public enum Time: Sendable { case accessed, modified, changed }

  /// The key of an entry; `attributes` are its node's, where they count and can be read.
  func key(of name: some Collection<UInt8>, _ attributes: Attributes?) -> EntryKey {
    var key = EntryKey(name)
    guard let attributes else { return key }
    let time: Timestamp
    switch self {
    case .listed, .byName: return key
    case .bySize:
      key.major = Int64(clamping: attributes.size)
      return key
    case .byTime(.accessed, _): time = attributes.accessed
    case .byTime(.modified, _): time = attributes.modified
    case .byTime(.changed, _): time = attributes.changed
    }
    key.major = time.seconds
    key.minor = time.nanoseconds
    return key
  }

  var needsAttributes: Bool {
    switch self {
    case .listed, .byName: false
    case .bySize, .byTime: true
    }
  }

  private var isReversed: Bool {
    switch self {
    case .listed: false
    case .byName(let reversed), .bySize(let reversed), .byTime(_, let reversed): reversed
    }
  }

  /// Whether one of two nodes comes before another; in a folder's own order, neither does.
  public func precedes(
    _ first: Attributes, _ firstName: ArraySlice<UInt8>, _ second: Attributes, _ secondName: ArraySlice<UInt8>
  ) -> Bool {
    guard self != .listed else { return false }
    return precedes(key(of: firstName, first), key(of: secondName, second)) ?? precedes(firstName, secondName)
  }

  /// nil where the keys do not decide.
  func precedes(_ first: EntryKey, _ second: EntryKey) -> Bool? {
    if first.major != second.major { return (first.major > second.major) != isReversed }
    if first.minor != second.minor { return (first.minor > second.minor) != isReversed }
    if first.prefix != second.prefix { return (first.prefix < second.prefix) != isReversed }
    return nil
  }

  func precedes(_ first: ArraySlice<UInt8>, _ second: ArraySlice<UInt8>) -> Bool {
    isReversed ? second.lexicographicallyPrecedes(first) : first.lexicographicallyPrecedes(second)
  }
}
