internal import BlockDevices
internal import Bytes

extension VHDX {
  /// Where the parent of a differencing disk is, and which it is (section 2.6.2.6).
  struct ParentLocator {
    /// GUIDs, one of which the parent's contents have; lower case, without braces.
    let linkages: [String]
    /// Paths as Windows has them, in the order in which they are to be tried.
    let paths: [String]

    private static let type = "b04aefb7-d19e-4a81-b789-25b8e9445913"
    private static let linkageKeys = ["parent_linkage", "parent_linkage2"]
    private static let pathKeys = ["relative_path", "volume_path", "absolute_win32_path"]

    init(parsing item: [UInt8]) throws(ImageError) {
      let (type, values) = try ImageError.wrapping { () throws(ReadError) in
        (try GUID(parsing: item.rawSpan, at: 0).text, try Self.values(in: item.rawSpan))
      }
      guard type == Self.type else { throw .unsupported("has a parent of the unknown kind \(type)") }
      linkages = Self.linkageKeys.compactMap { values[$0] }.map { value in
        value.lowercased().filter { $0 != "{" && $0 != "}" }
      }
      paths = Self.pathKeys.compactMap { values[$0] }
      guard !linkages.isEmpty else { throw .damaged("does not say which its parent is") }
    }

    /// The values of the keys that are known. No other is decoded: there can be 65535 that share their bytes.
    private static func values(in span: RawSpan) throws(ReadError) -> [String: String] {
      let known = linkageKeys + pathKeys
      var values: [String: String] = [:]
      for index in 0..<Int(try span.le16(18, of: "parent locator")) {
        let place = 20 + 12 * index
        let keyLength = Int(try span.le16(place + 8, of: "parent locator"))
        let length = Int(try span.le16(place + 10, of: "parent locator"))
        guard keyLength <= 64 else { continue }
        let keyOffset = try span.le32(place, of: "parent locator").converted(to: Int.self, of: "parent locator")
        let key = try span.utf16(keyOffset, count: keyLength, of: "parent locator")
        guard known.contains(key), values[key] == nil else { continue }
        let offset = try span.le32(place + 4, of: "parent locator").converted(to: Int.self, of: "parent locator")
        values[key] = try span.utf16(offset, count: length, of: "parent locator")
      }
      return values
    }

    /// What to look for: relative paths as they are, and of those that begin at a drive, a volume or a server, which
    /// mean nothing here, the file's name beside the image.
    var names: [String] {
      paths.map { path in
        let name = path.split(separator: "\\", omittingEmptySubsequences: false).joined(separator: "/")
        let isOfWindows = name.hasPrefix("//") || name.dropFirst().hasPrefix(":")
        var relative = isOfWindows ? String(name.split(separator: "/").last ?? "") : name
        while relative.hasPrefix("./") { relative.removeFirst(2) }
        // A colon elsewhere is part of a name, and not the end of a protocol's.
        return relative.contains(":") && !relative.hasPrefix("/") ? "./" + relative : relative
      }
    }
  }
}
