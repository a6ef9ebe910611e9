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
  /// Which symbolic links are told as what they lead to.
  var followed = FindFollowing.none
}

enum FindFollowing { case none, named, all }

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
  case expression(PathExpression)
  case linkTarget(NamePattern)
  case type(Set<NodeType>)
  /// The type of what a symbolic link leads to; of one that leads nowhere, its own.
  case targetType(Set<NodeType>)
  /// Units of this many bytes that the size takes, rounded up.
  case size(FindNumber, unit: UInt64)
  case newer(FindTime, FindReference)
  case newerThan(FindTime, Timestamp)
  case age(FindTime, FindAge)
  /// How long after the last change of the inode the last access was.
  case used(FindAge)
  case permissions(FindPermissions)
  case owner(FindNumber)
  case group(FindNumber)
  case hasNoUser
  case hasNoGroup
  case readable
  case writable
  case executable
  case fileSystem(String)
  case links(FindNumber)
  case inode(FindNumber)
  case sameFile(FindReference)
  case empty

  var needsFacts: Bool {
    switch self {
    case .constant, .name, .path, .expression, .type, .targetType, .linkTarget, .readable, .fileSystem: false
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
}

/// "5", "+5" or "-5" days or minutes ago, also with a fraction.
///
/// Days count as whole ones that have passed: 1 is from 24 to 48 hours ago, and +1 is from 48 hours on. Minutes count as
/// begun: 1 is up to a minute ago, and +1 is more than a minute ago. find(1) has it so.
struct FindAge {
  let comparison: FindNumber.Comparison
  let number: Double
  /// Seconds that count as one.
  let unit: Double
  /// Whether a begun unit counts as a whole one.
  let countsBegun: Bool
  /// Whether it is counted back from the end of today, not from now.
  let fromEndOfDay: Bool

  /// - Parameter age: seconds; negative for what is still to come.
  func holds(for age: Double) -> Bool {
    switch comparison {
    case .less: return age < number * unit
    case .more: return age > (countsBegun ? number : number + 1) * unit
    case .equal:
      let first = countsBegun ? number - 1 : number
      return age >= first * unit && age < (first + 1) * unit
    }
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
