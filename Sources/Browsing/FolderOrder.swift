internal import Bytes
public import FileSystems

/// What entries are sorted by as long as it tells them apart; whole names decide the rest.
struct EntryKey: Sendable {
  /// Size or time, the greatest first; equal for all where only names count.
  var major: Int64 = 0
  var minor: UInt32 = 0
  /// What comes first however the rest is sorted: 0 for folders, where these do.
  var rank: UInt32 = 0
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
public struct FolderOrder: Sendable, Equatable {
  public enum Key: Sendable, Equatable {
    /// None: as they lie in the folder, which is the quickest.
    case none
    /// Byte by byte.
    case name
    /// Numbers in names by what they count, as `VersionOrder` has it.
    case version
    /// What is behind the last dot; by name where that is equal.
    case suffix
    /// The largest first; by name where that is equal.
    case size
    /// The latest first; by name where that is equal.
    case time(Time)
  }

  public enum Time: Sendable { case accessed, modified, changed }

  public let key: Key
  public let isReversed: Bool
  /// Folders, and symbolic links to such, before everything else.
  public let foldersFirst: Bool

  public init(by key: Key, reversed: Bool = false, foldersFirst: Bool = false) {
    self.key = key
    isReversed = reversed && key != .none
    self.foldersFirst = foldersFirst && key != .none
  }

  public static let listed = FolderOrder(by: .none)
  public static func byName(reversed: Bool = false) -> Self { Self(by: .name, reversed: reversed) }
  public static func bySize(reversed: Bool = false) -> Self { Self(by: .size, reversed: reversed) }
  public static func byTime(_ time: Time, reversed: Bool = false) -> Self { Self(by: .time(time), reversed: reversed) }

  /// The key of an entry; `attributes` are its node's, where they count and can be read.
  func key(of name: some Collection<UInt8>, _ attributes: Attributes?, isFolder: Bool = false) -> EntryKey {
    var key = EntryKey([])
    key.rank = foldersFirst && !isFolder ? 1 : 0
    switch self.key {
    // The first bytes do not decide.
    case .version, .suffix: return key
    default: key.prefix = EntryKey(name).prefix
    }
    guard let attributes else { return key }
    let time: Timestamp
    switch self.key {
    case .none, .name, .version, .suffix: return key
    case .size:
      key.major = Int64(clamping: attributes.size)
      return key
    case .time(.accessed): time = attributes.accessed
    case .time(.modified): time = attributes.modified
    case .time(.changed): time = attributes.changed
    }
    key.major = time.seconds
    key.minor = time.nanoseconds
    return key
  }

  /// Whether more than names has to be known.
  public var needsFacts: Bool {
    switch key {
    case .none: false
    case .name, .version, .suffix: foldersFirst
    case .size, .time: true
    }
  }

  /// Whether one of two nodes comes before another; in a folder's own order, neither does.
  public func precedes(
    _ first: Attributes?, _ firstName: ArraySlice<UInt8>, _ second: Attributes?, _ secondName: ArraySlice<UInt8>
  ) -> Bool {
    guard key != .none else { return false }
    let firstKey = key(of: firstName, first, isFolder: first?.type == .directory)
    let secondKey = key(of: secondName, second, isFolder: second?.type == .directory)
    return precedes(firstKey, secondKey) ?? precedes(firstName, secondName)
  }

  /// nil where the keys do not decide.
  func precedes(_ first: EntryKey, _ second: EntryKey) -> Bool? {
    if first.rank != second.rank { return first.rank < second.rank }
    if first.major != second.major { return (first.major > second.major) != isReversed }
    if first.minor != second.minor { return (first.minor > second.minor) != isReversed }
    if first.prefix != second.prefix { return (first.prefix < second.prefix) != isReversed }
    return nil
  }

  func precedes(_ first: ArraySlice<UInt8>, _ second: ArraySlice<UInt8>) -> Bool {
    isReversed ? isBefore(second, first) : isBefore(first, second)
  }

  private func isBefore(_ first: ArraySlice<UInt8>, _ second: ArraySlice<UInt8>) -> Bool {
    let comparison: Int
    switch key {
    case .version: comparison = VersionOrder.compare(first, second)
    case .suffix:
      let (one, other) = (Self.suffix(first), Self.suffix(second))
      comparison = one.elementsEqual(other) ? 0 : one.lexicographicallyPrecedes(other) ? -1 : 1
    case .none, .name, .size, .time: comparison = 0
    }
    return comparison == 0 ? first.lexicographicallyPrecedes(second) : comparison < 0
  }

  /// What is behind the last dot, with it; empty where there is none.
  private static func suffix(_ name: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    name.lastIndex(of: UInt8(ascii: ".")).map { name[$0...] } ?? []
  }
}
