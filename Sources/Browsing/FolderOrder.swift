public import FileSystems

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
