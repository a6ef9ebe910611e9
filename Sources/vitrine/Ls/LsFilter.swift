internal import Bytes

/// Which names a listing leaves out.
struct LsFilter: Sendable {
  enum Hidden { case none, almostAll, all }

  /// Which of those that begin with a dot are told.
  var hidden = Hidden.none
  /// Those that end with a tilde.
  var leavesOutBackups = false
  private var ignored: [(pattern: NamePattern, matchesDots: Bool)] = []

  /// A dot in front is matched by one in front of the pattern only.
  mutating func ignore(_ pattern: [UInt8]) {
    ignored.append((NamePattern(pattern), pattern.first == UInt8(ascii: ".")))
  }

  func includes(_ name: RawSpan) -> Bool {
    if hidden == .none && name.byteCount > 0 && name[0] == UInt8(ascii: ".") { return false }
    guard leavesOutBackups || !ignored.isEmpty else { return true }
    let bytes = [UInt8].filled(name.byteCount) { $0.append(contentsOf: name) }
    if leavesOutBackups && bytes.last == UInt8(ascii: "~") { return false }
    let hasDot = bytes.first == UInt8(ascii: ".")
    return !ignored.contains { (!hasDot || $0.matchesDots) && $0.pattern.matches(bytes) }
  }
}
