internal import Bytes

/// A name that is looked for in a directory, prepared for many comparisons.
extension Ext4 {
  struct NameQuery {
    private enum Kind {
      /// The entry's bytes.
      case exact([UInt8])
      /// What the entry's bytes become when they are folded.
      case folded([UInt8])
      /// The name that Linux makes of the entry's encrypted name.
      case noKey(NoKeyName)
    }

    private let kind: Kind

    /// Nil where no entry can have this name.
    init?(_ name: RawSpan, in directory: Directory, strict: Bool) {
      if directory.isEncrypted {
        guard let decoded = NoKeyName(decoding: name) else { return nil }
        kind = .noKey(decoded)
      } else if directory.foldsCase {
        if let folded = Ext4.folded(name) {
          kind = .folded(folded)
        } else if strict {
          return nil
        } else {
          kind = .exact(name.array)
        }
      } else {
        kind = .exact(name.array)
      }
    }

    /// How long an entry's name has to be; nil where that alone does not tell.
    var length: Int? {
      if case .exact(let name) = kind { name.count } else { nil }
    }

    /// The hash by which the directory's index knows the name.
    func hash(_ version: HashVersion, seed: (UInt32, UInt32, UInt32, UInt32)) -> UInt32? {
      switch kind {
      case .exact(let name), .folded(let name): NameHash.of(name.rawSpan, version: version, seed: seed)?.major
      case .noKey(let name): name.hash(version, seed: seed)
      }
    }

    func matches(_ entry: RawSpan) -> Bool {
      switch kind {
      case .exact(let name): return entry.byteCount == name.count && entry.equals(name.rawSpan)
      case .folded(let name):
        if entry.byteCount == name.count && entry.equals(name.rawSpan) { return true }
        // Folding one byte of ASCII gives one; and most entries differ in the first.
        if let first = name.first, entry.byteCount > 0, first < 0x80, entry[0] < 0x80, entry[0] | 0x20 != first | 0x20 {
          return false
        }
        return Ext4.folded(entry) == name
      case .noKey(let name): return name.matches(entry)
      }
    }
  }
}
