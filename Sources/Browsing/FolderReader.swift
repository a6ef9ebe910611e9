public import Bytes
internal import FileSystems

/// Tells the entries of a folder one by one, in any order and in bounded memory; "." and ".." to who asks for them.
///
/// A folder that fits into the budget is listed once. Of a larger one, as many entries as fit are held at a time, and
/// it is listed again for the next ones: in its own order from where it stopped, and sorted, for those that follow.
public struct FolderReader: Sendable {
  public let folder: UInt64
  public let order: FolderOrder
  private let tree: Tree
  private let budget: Int
  private let includes: (@Sendable (RawSpan, ListedEntry) -> Bool)?
  /// Whether symbolic links are sorted by what they lead to.
  private let followsLinks: Bool
  private var batch = EntryBatch()
  private var index = 0
  /// Between which entries those in `batch` lie: what is behind `end` is still to be listed.
  private var start = Place()
  private var end: Place
  /// Before all that is told.
  private let first: Place
  private var isComplete = false
  private var failure: ReadError?

  /// A place between two entries: in the folder's own order, or in that of sorting.
  private struct Place: Sendable {
    /// That of "..": 1 and 2 belong to the two that are not told.
    var cookie: UInt64 = 2
    var key: EntryKey?
    var name: [UInt8] = []
  }

  /// Bytes of memory for the entries held at a time.
  public static let defaultBudget = 16 << 20

  /// - Parameters:
  ///   - folder: the number of a folder in `tree`.
  ///   - budget: bytes of memory for the entries held at a time.
  ///   - followsLinks: whether symbolic links are sorted by what they lead to.
  ///   - tellsDots: whether "." and ".." are told, too.
  ///   - includes: leaves out what it answers false for.
  public init(
    of folder: UInt64, in tree: Tree, order: FolderOrder = .listed, budget: Int = FolderReader.defaultBudget,
    followsLinks: Bool = false, tellsDots: Bool = false,
    includes: (@Sendable (RawSpan, ListedEntry) -> Bool)? = nil
  ) {
    self.folder = folder
    self.tree = tree
    self.order = order
    self.budget = max(budget, 64 << 10)
    self.followsLinks = followsLinks
    first = Place(cookie: tellsDots ? 0 : 2)
    end = first
    self.includes = includes
  }

  /// The next entry; nil behind the last one.
  /// - Throws: what listing gives, once, behind the entries that could be listed.
  public mutating func next() throws(ReadError) -> FolderEntry? {
    guard prepare() else {
      guard let failure else { return nil }
      self.failure = nil
      throw failure
    }
    let entry = batch.entry(at: index)
    index += 1
    return entry
  }

  /// Whether `next` is going to tell that there is nothing more.
  public mutating func isAtEnd() -> Bool { !prepare() && failure == nil }

  /// Bytes of memory that the entries held take.
  var heldSize: Int { batch.heldSize + start.name.count + end.name.count }

  /// Lets go of the entries that are held: the next ones are listed again.
  mutating func release() {
    guard index < batch.items.count else { return }
    end = index > 0 ? place(behind: index - 1) : start
    batch = EntryBatch()
    index = 0
    isComplete = false
    failure = nil
  }

  /// False where there is no next entry.
  private mutating func prepare() -> Bool {
    while index == batch.items.count {
      guard !isComplete else { return false }
      start = end
      index = 0
      if order == .listed { fillInOrder() } else { fillSorted() }
    }
    return true
  }

  private func place(behind index: Int) -> Place {
    let item = batch.items[index]
    return order == .listed
      ? Place(cookie: item.cookie) : Place(key: item.sortKey, name: Array(batch.name(of: item)))
  }

  private mutating func fillInOrder() {
    var filled = EntryBatch()
    // A run of them, and not as many as there is memory for: a walk holds one of these for each level.
    let limit = min(budget, Self.runSize)
    var isFull = false
    var cookie = start.cookie
    do throws(ReadError) {
      try tree.list(folder, from: cookie) { name, entry in
        guard filled.heldSize < limit else {
          isFull = true
          return false
        }
        if includes?(name, entry) ?? true { filled.append(name.array, entry, key: EntryKey([])) }
        cookie = entry.cookie
        return true
      }
    } catch { failure = error }
    end = Place(cookie: cookie)
    isComplete = !isFull
    batch = filled
  }

  /// Bytes of the entries that are held at a time in the folder's own order.
  private static let runSize = 64 << 10

  private mutating func fillSorted() {
    var filled = EntryBatch()
    var isFull = false
    // The last entry that still is among those that fit; what comes behind it is left for later.
    var bound: Place?
    let floor = start
    do throws(ReadError) {
      try tree.list(folder, from: first.cookie) { name, entry in
        guard includes?(name, entry) ?? true else { return true }
        let name = name.array
        // What cannot be read is told of by whoever asks for its attributes; it has to be somewhere meanwhile.
        let place = Place(key: key(of: name, entry), name: name)
        guard isBefore(floor, place), bound.map({ isBefore(place, $0) }) ?? true else { return true }
        filled.append(name, entry, key: place.key ?? EntryKey([]))
        if filled.heldSize >= budget {
          isFull = true
          filled.sort(by: order)
          filled.truncate(to: max(filled.items.count / 2, 1))
          bound = filled.items.last.map { Place(key: $0.sortKey, name: Array(filled.name(of: $0))) }
        }
        return true
      }
    } catch { failure = error }
    filled.sort(by: order)
    batch = filled
    isComplete = !isFull
    guard isFull else { return }
    // It comes again where the rest is listed.
    failure = nil
    end = place(behind: batch.items.count - 1)
  }

  private func key(of name: [UInt8], _ entry: ListedEntry) -> EntryKey {
    guard order.needsFacts else { return order.key(of: name, nil) }
    let facts = try? tree.facts(of: entry.number)
    let isLink = (facts?.attributes.type ?? entry.type) == .symbolicLink
    let end = isLink && (followsLinks || order.foldersFirst) ? try? tree.linkEnd(of: entry.number, in: folder) : nil
    // A link to a folder is among the folders, also where it counts for itself. Of one that leads nowhere, nothing counts.
    return order.key(
      of: name, isLink && followsLinks ? end?.attributes : facts?.attributes,
      isFolder: (end ?? facts)?.attributes.type == .directory)
  }

  private func isBefore(_ first: Place, _ second: Place) -> Bool {
    // Without a key it is the beginning.
    guard let firstKey = first.key, let secondKey = second.key else { return true }
    return order.precedes(firstKey, secondKey) ?? order.precedes(first.name[...], second.name[...])
  }
}
