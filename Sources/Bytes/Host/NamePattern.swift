internal import Glibc

/// A pattern as the shell has it for names, matched by fnmatch(3).
public struct NamePattern: Sendable {
  private let pattern: [UInt8]
  private let flags: Int32

  /// A slash, and a dot in front, are as any other byte, as find(1) has it.
  public init(_ pattern: [UInt8], ignoringCase: Bool = false) {
    self.pattern = pattern + [0]
    // FNM_CASEFOLD, which Glibc's module leaves out.
    flags = ignoringCase ? 1 << 4 : 0
  }

  /// - Parameter name: without a NUL in it.
  public func matches(_ name: some Collection<UInt8>) -> Bool {
    var terminated = [UInt8](name)
    terminated.append(0)
    // Safe: both strings end in NUL, and live through the call.
    return unsafe pattern.withUnsafeBufferPointer { pattern in
      unsafe terminated.withUnsafeBufferPointer { name in
        unsafe pattern.withMemoryRebound(to: CChar.self) { pattern in
          unsafe name.withMemoryRebound(to: CChar.self) { name in
            guard let pattern = pattern.baseAddress, let name = name.baseAddress else { return false }
            return unsafe fnmatch(pattern, name, flags) == 0
          }
        }
      }
    }
  }

  /// Lets patterns see the characters of the person's locale, not single bytes; for the whole process, before any
  /// pattern is matched.
  public static func useCharactersOfLocale() {
    // Safe: a constant string, and no other thread runs yet.
    _ = unsafe setlocale(LC_CTYPE, "")
  }
}
