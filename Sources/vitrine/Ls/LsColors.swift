internal import Bytes
internal import FileSystems

/// The colours of names, as dircolors(1) has them: built in, or given by the variable LS_COLORS.
struct LsColors {
  private var codes: [String: String] = [
    "rs": "0", "di": "01;34", "ln": "01;36", "pi": "33", "so": "01;35", "bd": "01;33", "cd": "01;33", "ex": "01;32",
    "su": "37;41", "sg": "30;43", "st": "37;44", "ow": "34;42", "tw": "30;42",
  ]
  private var suffixes: [(suffix: [UInt8], code: String)] = []
  /// Whether links have the colour of what they lead to.
  let followsLinks: Bool

  init(_ variable: String? = HostEnvironment.value(of: "LS_COLORS")) {
    for part in (variable ?? "").split(separator: ":") {
      guard let separator = part.lastIndex(of: "=") else { continue }
      let name = part[..<separator]
      let code = String(part[part.index(after: separator)...])
      // What a terminal takes for a colour, and nothing else.
      guard code == "target" || code.allSatisfy({ $0.isASCII && ($0.isNumber || $0 == ";") }) else { continue }
      if name.hasPrefix("*") {
        suffixes.append((Array(name.dropFirst().utf8), code))
      } else {
        codes[String(name)] = code
      }
    }
    followsLinks = codes["ln"] == "target"
    if followsLinks { codes["ln"] = "01;36" }
  }

  var reset: [UInt8] { sequence(codes["rs"] ?? "0") }

  /// What goes before a name; nil where it has no colour.
  func start(_ name: some BidirectionalCollection<UInt8>, _ attributes: Attributes, isDangling: Bool = false)
    -> [UInt8]?
  {
    let code = code(name, attributes, isDangling: isDangling)
    guard let code, !code.isEmpty, code.contains(where: { $0 != "0" }) else { return nil }
    return sequence(code)
  }

  private func code(
    _ name: some BidirectionalCollection<UInt8>, _ attributes: Attributes, isDangling: Bool
  ) -> String? {
    let permissions = attributes.permissions
    switch attributes.type {
    case .directory:
      let isSticky = permissions & 0o1000 != 0
      let isForOthers = permissions & 0o002 != 0
      if isSticky && isForOthers, let code = codes["tw"] { return code }
      if isForOthers, let code = codes["ow"] { return code }
      if isSticky, let code = codes["st"] { return code }
      return codes["di"]
    case .symbolicLink: return isDangling ? codes["or"] ?? codes["ln"] : codes["ln"]
    case .fifo: return codes["pi"]
    case .socket: return codes["so"]
    case .blockDevice: return codes["bd"]
    case .characterDevice: return codes["cd"]
    case .regular:
      if permissions & 0o4000 != 0, let code = codes["su"] { return code }
      if permissions & 0o2000 != 0, let code = codes["sg"] { return code }
      if permissions & 0o111 != 0, let code = codes["ex"] { return code }
      // A later one of LS_COLORS goes before an earlier one.
      for (suffix, code) in suffixes.reversed() where suffix.count <= name.count {
        if name.suffix(suffix.count).elementsEqual(suffix) { return code }
      }
      return codes["fi"]
    }
  }

  private func sequence(_ code: String) -> [UInt8] { Array("\u{1B}[\(code)m".utf8) }
}
