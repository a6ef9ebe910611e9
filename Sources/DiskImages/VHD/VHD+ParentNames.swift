internal import Bytes

extension VHD {
  /// The names that a differencing image has for its parent, as paths to try here.
  struct ParentNames {
    /// As the image has it, the best of them; nil where it has none.
    private(set) var original: String?
    /// Paths as this system writes them, without repetition; the likeliest first.
    private(set) var paths: [String] = []
    /// Names of a file alone, which may lie beside the image wherever it has been moved to.
    private var fileNames: [String] = []

    /// By the locators, and by the name in the header.
    /// - Parameter locators: platform code and data, in the order in which they stand.
    init(locators: [(platform: [UInt8], data: [UInt8])], headerName: String) {
      // A relative path holds where both files were moved together; a code whose first letters are swapped is the old
      // one, for names that are not Unicode.
      for code in ["W2ru", "Wi2r", "MacX", "W2ku", "Wi2k"] {
        for locator in locators where locator.platform == Array(code.utf8) {
          switch code {
          case "MacX": addURL(locator.data)
          case "W2ru", "W2ku": addWindowsPath(Self.utf16(locator.data))
          default: addWindowsPath(String(decoding: locator.data.prefix { $0 != 0 }, as: UTF8.self))
          }
        }
      }
      addWindowsPath(headerName)
      for name in fileNames { add(name) }
    }

    private static func utf16(_ data: [UInt8]) -> String {
      // Cannot fail: all of `data` is there.
      (try? data.rawSpan.utf16(0, count: data.count, of: "name of the parent")) ?? ""
    }

    private mutating func addWindowsPath(_ name: String) {
      guard !name.isEmpty else { return }
      original = original ?? name
      var path = String(name.map { $0 == "\\" ? "/" : $0 })
      // The prefix of paths that Windows does not interpret.
      if path.hasPrefix("//?/") { path = String(path.dropFirst(4)) }
      if let drive = path.first, drive.isASCII, drive.isLetter, path.dropFirst().first == ":" {
        // There are no drives here: what lies on it may lie likewise below the image.
        path = String(path.dropFirst(2).drop { $0 == "/" })
        add(path)
      } else if path.hasPrefix("//") {
        // A share of some server: there is only the file's name to go by.
      } else {
        add(path)
      }
      addFileName(of: path)
    }

    /// `file://localhost/folder/parent.vhd`, in UTF-8 with escapes.
    private mutating func addURL(_ data: [UInt8]) {
      let url = String(decoding: data.prefix { $0 != 0 }, as: UTF8.self)
      guard url.hasPrefix("file://") else { return }
      original = original ?? url
      var path = Self.unescaped(url.dropFirst("file://".count))
      if path.hasPrefix("localhost/") { path = String(path.dropFirst("localhost".count)) }
      guard !path.utf8.contains(0) else { return }
      add(path)
      addFileName(of: path)
    }

    private mutating func addFileName(of path: String) {
      guard let last = path.split(separator: "/").last, last != ".", last != ".." else { return }
      fileNames.append(String(last))
    }

    private mutating func add(_ path: String) {
      guard !path.isEmpty, path.utf8.count <= 4096 else { return }
      // No protocol is meant by what stands before a colon.
      let named = path.hasPrefix("/") || path.hasPrefix("./") || path.hasPrefix("../") ? path : "./" + path
      if !paths.contains(named) { paths.append(named) }
    }

    /// With `%20` and the like replaced by the bytes they stand for.
    private static func unescaped(_ text: Substring) -> String {
      var bytes: [UInt8] = []
      var rest = Array(text.utf8)[...]
      while let byte = rest.popFirst() {
        if byte == UInt8(ascii: "%"), rest.count >= 2,
          let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
        {
          bytes.append(value)
          rest = rest.dropFirst(2)
        } else {
          bytes.append(byte)
        }
      }
      return String(decoding: bytes, as: UTF8.self)
    }
  }
}
