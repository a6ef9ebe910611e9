/// All that can be told of a tree of files, as sorted lines of text, one a path.
///
///     "/dir/a" file 0644 0:0 links=1 size=3 blocks=8 mtime=… ctime=… atime=… crtime=… user.x=… data=0-3 sha256=…
///
/// Two makers give the same text: one walks a mounted directory, the other a `FileSystem`. So a kernel's mount, a
/// mount of ours, the library and the golden file of a fixture can each be compared with any other.
///
/// Where something cannot be read, `!EIO` or another errno's name stands in its place, and the rest goes on.
public struct Listing: Sendable, Equatable {
  /// By quoted path: all else of the line.
  public private(set) var lines: [String: String] = [:]

  public init() {}

  public init(parsing text: String) {
    for line in text.split(separator: "\n") where !line.hasPrefix("#") {
      let parts = line.split(separator: " ", maxSplits: 1)
      lines[String(parts[0])] = parts.count > 1 ? String(parts[1]) : ""
    }
  }

  public mutating func add(_ path: [UInt8], _ fields: [String]) {
    lines[Self.quoted(path)] = fields.joined(separator: " ")
  }

  public var text: String {
    lines.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)\n" }.joined()
  }

  /// Without the fields whose key is among `keys` ("crtime": FUSE has no way to tell it).
  public func dropping(_ keys: Set<String>) -> Listing {
    mapFields { _, fields in fields.filter { field in !keys.contains(String(field.prefix { $0 != "=" })) } }
  }

  /// Without some paths, and all below them.
  public func droppingPaths(_ dropped: (String) -> Bool) -> Listing {
    var result = Listing()
    result.lines = lines.filter { !dropped($0.key) }
    return result
  }

  public func mapFields(_ transform: (String, [Substring]) -> [Substring]) -> Listing {
    var result = Listing()
    result.lines = Dictionary(
      uniqueKeysWithValues: lines.map { path, line in
        (path, transform(path, line.split(separator: " ")).joined(separator: " "))
      })
    return result
  }

  /// What differs, for a person: at most `limit` paths, each with only the fields that are not equal; nil where
  /// nothing differs.
  public func difference(from other: Listing, named names: (String, String) = ("expected", "found"), limit: Int = 20)
    -> String?
  {
    guard lines != other.lines else { return nil }
    var report: [String] = []
    var count = 0
    for path in Set(lines.keys).union(other.lines.keys).sorted() where lines[path] != other.lines[path] {
      count += 1
      guard count <= limit else { continue }
      switch (lines[path], other.lines[path]) {
      case (let line?, nil): report.append("\(path)\n  only in \(names.0): \(line)")
      case (nil, let line?): report.append("\(path)\n  only in \(names.1): \(line)")
      case (let mine?, let theirs?):
        let left = mine.split(separator: " ")
        let right = theirs.split(separator: " ")
        report.append(path)
        report.append("  \(names.0): " + Self.clipped(left.filter { !right.contains($0) }))
        report.append("  \(names.1): " + Self.clipped(right.filter { !left.contains($0) }))
      case (nil, nil): break
      }
    }
    if count > limit { report.append("… and \(count - limit) more paths") }
    return report.joined(separator: "\n")
  }

  private static func clipped(_ fields: [Substring]) -> String {
    let text = fields.joined(separator: " ")
    return text.count > 600 ? text.prefix(600) + "…" : text
  }

  /// `bytes` in quotes, with all but graphic ASCII as `\xNN`: no space and no newline is left in it.
  public static func quoted(_ bytes: [UInt8]) -> String {
    var text = "\""
    for byte in bytes {
      if byte > 0x20 && byte < 0x7F && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\") {
        text.unicodeScalars.append(Unicode.Scalar(byte))
      } else {
        text += "\\x" + [byte].hexadecimal
      }
    }
    return text + "\""
  }
}

/// The fields of one path, which both makers put together in the same way.
struct ListingFields {
  var fields: [String] = []

  mutating func status(
    type: String, permissions: UInt16, owner: UInt32, group: UInt32, links: UInt32, size: UInt64, blocks: UInt64
  ) {
    let octal = String(permissions, radix: 8)
    fields.append(type)
    fields.append(String(repeating: "0", count: max(0, 4 - octal.count)) + octal)
    fields.append("\(owner):\(group)")
    fields.append("links=\(links)")
    fields.append("size=\(size)")
    fields.append("blocks=\(blocks)")
  }

  mutating func time(_ key: String, seconds: Int64, nanoseconds: UInt32) {
    let digits = String(nanoseconds)
    fields.append("\(key)=\(seconds).\(String(repeating: "0", count: max(0, 9 - digits.count)))\(digits)")
  }

  mutating func device(major: UInt32, minor: UInt32) { fields.append("rdev=\(major):\(minor)") }

  mutating func target(_ bytes: [UInt8]) { fields.append("target=\(Listing.quoted(bytes))") }

  /// An attribute by its length and the start of its hash; a short printable value as it is.
  mutating func attribute(_ name: [UInt8], _ value: [UInt8]) {
    let key = "xattr:" + Listing.quoted(name)
    fields.append("\(key)=\(value.count):\(ContentHash.hash(value).prefix(16))")
  }

  /// The ranges that are not holes, ascending; ranges that touch are told as one.
  mutating func data(_ ranges: [Range<UInt64>]) {
    var merged: [Range<UInt64>] = []
    for range in ranges where !range.isEmpty {
      if let last = merged.last, last.upperBound == range.lowerBound {
        merged[merged.count - 1] = last.lowerBound..<range.upperBound
      } else {
        merged.append(range)
      }
    }
    let text = merged.map { "\($0.lowerBound)-\($0.upperBound)" }.joined(separator: ",")
    // A map of a thousand pieces helps nobody as text.
    fields.append(
      merged.count > 64 ? "data=\(merged.count)ranges:\(ContentHash.hash(Array(text.utf8)).prefix(16))" : "data=\(text)"
    )
  }

  /// A file that cannot be read for want of a key says so once, whichever call it was that told.
  mutating func tellMissingKeyOnce(from index: Int) {
    guard fields[index...].contains(where: { $0.hasSuffix("=!ENOKEY") }) else { return }
    fields.removeSubrange(index...)
    failure("open", "ENOKEY")
  }

  mutating func failure(_ key: String, _ errno: String) { fields.append("\(key)=!\(errno)") }
}

/// Files up to this size are hashed whole, holes and all; of larger ones only the data, each range behind its bounds.
let wholeHashLimit: UInt64 = 128 << 20

extension Listing {
  /// The same, with directories of more than `limit` entries as a sample of them and one line for the rest: a golden
  /// file need not hold fifty thousand lines that say the same.
  public func condensed(limit: Int = 300) -> Listing {
    var children: [Substring: [String]] = [:]
    for path in lines.keys { children[Self.parent(of: path), default: []].append(path) }
    var result = self
    for (parent, paths) in children where paths.count > limit {
      let directories = Set(children.keys)
      let leaves = paths.sorted().filter { !directories.contains($0.dropLast()) }
      var hash = ContentHash()
      for path in leaves { hash.update(Array("\(path) \(lines[path] ?? "")\n".utf8)) }
      for path in leaves.dropFirst(10) { result.lines[path] = nil }
      result.lines["\(parent)/…\""] = "entries=\(leaves.count) sha256=\(hash.finish())"
    }
    return result
  }

  private static func parent(of path: String) -> Substring {
    path[..<(path.lastIndex(of: "/") ?? path.startIndex)]
  }

  /// Everything that could not be read: `"/path" key errno`, ascending.
  public var failures: [String] {
    lines.flatMap { path, line in
      line.split(separator: " ").compactMap { field -> String? in
        guard let separator = field.range(of: "=!") else { return nil }
        return "\(path) \(field[..<separator.lowerBound]) \(field[separator.upperBound...])"
      }
    }.sorted()
  }

  /// The paths at or below which something could not be read.
  public var failedPaths: Set<String> {
    Set(lines.filter { $0.value.contains("=!") }.keys)
  }
}

extension Substring {
  fileprivate func range(of text: String) -> Range<String.Index>? {
    var start = startIndex
    while start < endIndex {
      if self[start...].hasPrefix(text) { return start..<index(start, offsetBy: text.count) }
      start = index(after: start)
    }
    return nil
  }
}
