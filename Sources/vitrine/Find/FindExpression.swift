internal import Bytes
internal import FileSystems

/// An expression of find(1), ready to be evaluated.
struct FindExpression {
  var root: FindNode = .action(.print)
  var minimumDepth = 0
  var maximumDepth: Int?
  /// Whether what is in a folder is told before the folder.
  var isDepthFirst = false
  /// The files that others are compared with.
  var references: Set<FindReference> = []
  var usesPatterns = false
}

/// A part of an expression. Lists, and not pairs, so that a long expression is no deep one: only parentheses nest, and
/// the parser bounds those.
indirect enum FindNode {
  case all([FindNode])
  case any([FindNode])
  /// The value of the last.
  case sequence([FindNode])
  case not(FindNode)
  case test(FindTest)
  case action(FindAction)

  /// Whether anything in it does something: then nothing else is printed.
  var hasAction: Bool {
    switch self {
    case .all(let parts), .any(let parts), .sequence(let parts): parts.contains(where: \.hasAction)
    case .not(let part): part.hasAction
    case .test: false
    case .action(let action):
      switch action {
      case .prune: false
      default: true
      }
    }
  }

  /// Whether it asks for more than names and types.
  var needsFacts: Bool {
    switch self {
    case .all(let parts), .any(let parts), .sequence(let parts): parts.contains(where: \.needsFacts)
    case .not(let part): part.needsFacts
    case .test(let test): test.needsFacts
    case .action(let action):
      switch action {
      case .list, .format: true
      case .print, .prune, .quit: false
      }
    }
  }
}

enum FindAction {
  /// The path, and this byte behind it.
  case print(terminator: UInt8)
  case list
  case format(FindFormat)
  case prune
  case quit

  static let print = FindAction.print(terminator: UInt8(ascii: "\n"))
}

enum FindTest {
  case constant(Bool)
  case name(NamePattern)
  case path(NamePattern)
  case linkTarget(NamePattern)
  case type(Set<NodeType>)
  /// Units of this many bytes that the size takes, rounded up.
  case size(FindNumber, unit: UInt64)
  case newer(FindTime, FindReference)
  case newerThan(FindTime, Timestamp)
  /// How long ago, in units of so many seconds, rounded down; from the beginning of today or from now.
  case age(FindTime, FindNumber, unit: Int64, fromMidnight: Bool)
  case permissions(FindPermissions)
  case owner(FindNumber)
  case group(FindNumber)
  case links(FindNumber)
  case inode(FindNumber)
  case sameFile(FindReference)
  case empty

  var needsFacts: Bool {
    switch self {
    case .constant, .name, .path, .type, .linkTarget: false
    default: true
    }
  }
}

/// "5", "+5" or "-5".
struct FindNumber {
  enum Comparison { case equal, more, less }
  let comparison: Comparison
  let number: UInt64

  func holds(for value: UInt64) -> Bool {
    switch comparison {
    case .equal: value == number
    case .more: value > number
    case .less: value < number
    }
  }

  /// The same of what can be negative.
  func holds(for value: Int64) -> Bool {
    guard value >= 0 else { return comparison == .less }
    return holds(for: UInt64(value))
  }
}

/// Which of a node's times is meant.
enum FindTime: Hashable {
  case accessed, modified, changed, created
  /// Not a time, but the node itself.
  case node

  func time(of attributes: Attributes) -> Timestamp? {
    switch self {
    case .accessed: attributes.accessed
    case .modified: attributes.modified
    case .changed: attributes.changed
    case .created: attributes.created
    case .node: Timestamp(seconds: 0)
    }
  }
}

/// A file in the image that others are compared with.
struct FindReference: Hashable {
  let path: [UInt8]
  let kind: FindTime
}

/// "0644", "-222" or "/111".
struct FindPermissions {
  enum Comparison { case exactly, allOf, anyOf }
  let comparison: Comparison
  let bits: UInt16

  func holds(for permissions: UInt16) -> Bool {
    let permissions = permissions & 0o7777
    switch comparison {
    case .exactly: return permissions == bits
    case .allOf: return permissions & bits == bits
    case .anyOf: return bits == 0 || permissions & bits != 0
    }
  }
}
