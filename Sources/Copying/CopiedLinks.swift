internal import Browsing
internal import FileSystems

/// Where the first of several names of a file was put, as long as more of them may come.
struct CopiedLinks {
  struct Place {
    let folder: TargetFolder
    let name: [UInt8]
    var left: UInt32
  }

  /// About 64 MiB.
  private static let limit = 1 << 19
  /// Whether a file is met by its names only. By symbolic links, it may be met more often than it has names.
  private let areCounted: Bool
  private var places: [UInt64: Place] = [:]
  /// Whether there were more than can be kept: then some files were copied more than once.
  private(set) var hasOverflowed = false

  init(followsLinks: Bool) { areCounted = !followsLinks }

  /// Where the file was put; nil where this is the first of its names.
  mutating func place(of facts: NodeFacts) -> Place? {
    guard let place = places[facts.number], areCounted else { return places[facts.number] }
    if place.left > 1 { places[facts.number]?.left -= 1 } else { places[facts.number] = nil }
    return place
  }

  mutating func note(_ facts: NodeFacts, at name: [UInt8], in folder: TargetFolder) {
    guard facts.attributes.linkCount > 1 else { return }
    guard places.count < Self.limit else {
      hasOverflowed = true
      return
    }
    places[facts.number] = Place(folder: folder, name: name, left: facts.attributes.linkCount - 1)
  }
}
