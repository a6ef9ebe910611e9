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
