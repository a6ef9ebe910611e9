internal import CLinux
internal import Glibc

/// A regular expression that a whole path has to match, by the C library's GNU interface: find(1) has the same one.
// Safe: the compiled expression belongs to this object alone, which is not handed to other threads.
@safe public final class PathExpression {
  /// What regular expressions look like, by the names that find(1) has for it.
  public enum Syntax: String, CaseIterable {
    case findutilsDefault = "findutils-default"
    case ed
    case emacs
    case gnuAWK = "gnu-awk"
    case grep
    case posixAWK = "posix-awk"
    case awk
    case posixBasic = "posix-basic"
    case posixEgrep = "posix-egrep"
    case egrep
    case posixExtended = "posix-extended"
    case posixMinimalBasic = "posix-minimal-basic"
    case sed

    /// The bits of <regex.h>, RE_SYNTAX_EMACS and so on, which are macros that Swift does not see.
    fileprivate var bits: UInt {
      switch self {
      case .findutilsDefault: 0x40
      case .emacs: 0
      case .ed, .posixBasic, .sed: 0x101_02C6
      case .gnuAWK: 0x23_B24D
      case .grep: 0x1_0A46
      case .posixAWK: 0x2B_B2FD
      case .awk: 0xB_E0CD
      case .posixEgrep, .egrep: 0x23_BA5C
      case .posixExtended: 0x3_B2FC
      case .posixMinimalBasic: 0x1_06C4
      }
    }
  }

  private let compiled: UnsafeMutablePointer<regex_t>
  /// RE_ICASE.
  private static let ignoringCaseBit: UInt = 0x40_0000

  /// - Returns: nil where it is no expression; then `problem` says why.
  public init?(_ pattern: [UInt8], syntax: Syntax, ignoringCase: Bool, problem: inout String) {
    // Safe, here and below: all zeros is what the library wants of one that it is to fill; lengths are told.
    unsafe compiled = .allocate(capacity: 1)
    unsafe compiled.initialize(to: regex_t())
    re_set_syntax(syntax.bits | (ignoringCase ? Self.ignoringCaseBit : 0))
    // An empty pattern is one, too, but an empty array may have no place in memory.
    let terminated = pattern + [0]
    let message: String? = unsafe terminated.withUnsafeBytes { bytes in
      guard let start = unsafe bytes.baseAddress?.assumingMemoryBound(to: CChar.self) else { return nil }
      return unsafe re_compile_pattern(start, pattern.count, compiled).map { unsafe String(cString: $0) }
    }
    if let message {
      problem = message
      return nil
    }
  }

  deinit {
    unsafe regfree(compiled)
    unsafe compiled.deallocate()
  }

  /// Whether all of `path` matches.
  public func matches(_ path: [UInt8]) -> Bool {
    guard let length = Int32(exactly: path.count) else { return false }
    return unsafe path.withUnsafeBytes { bytes in
      guard let start = unsafe bytes.baseAddress?.assumingMemoryBound(to: CChar.self) else { return false }
      return unsafe re_match(compiled, start, length, 0, nil) == length
    }
  }
}
