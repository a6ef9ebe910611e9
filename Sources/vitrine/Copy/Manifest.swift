internal import ArgumentParser
internal import Browsing
internal import Bytes
internal import Copying
internal import FileSystems
internal import SystemPackage

/// `vitrine manifest`: what is in an image, with digests.
struct Manifest: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "manifest",
    abstract: "List what is in an image with digests of all files, without mounting it.",
    discussion: "The list is one of mtree(5). The same image always gives the same list.")

  @OptionGroup var operand: ImageOperand

  @Argument(help: ArgumentHelp("Where the list begins.", valueName: "path"))
  var path: ImagePath = .root

  @Option(
    help: ArgumentHelp("Digests: sha256, sha384, sha512, or none.", valueName: "digest"),
    completion: .list(DigestChoice.allCases.map(\.rawValue)))
  var hash = DigestChoice.sha256

  @OptionGroup var json: JSONArgument

  func run() throws {
    let opened = try operand.open()
    let output = Output()
    let problems = Problems(opened, output)
    let start: NodeFacts
    do { start = try opened.tree.node(at: path.bytes) } catch {
      try problems.report(error, at: path.bytes)
      return try problems.finish()
    }
    let manifest = TreeManifest(
      of: opened.tree, from: start, algorithm: hash.algorithm, threads: HostEnvironment.coreCount)
    let array = json.isWanted ? try JSONArrayOutput(output) : nil
    if array == nil { try output.write("#mtree\n") }
    while let event = manifest.next() {
      switch event {
      case .item(let item):
        if let failure = item.failure { try problems.report(failure, at: place(of: item.path)) }
        if let array {
          try array.write(.object(members(of: item)))
        } else {
          try output.write(MtreeLine(item, digest: hash).text)
        }
      case .failed(let error, let path): try problems.report(error, at: place(of: path))
      }
    }
    try array?.finish()
    try problems.finish()
  }

  /// The path in the image of what has a path below the start.
  private func place(of path: [UInt8]) -> [UInt8] {
    let slash = UInt8(ascii: "/")
    var place = self.path.bytes
    while place.last == slash { place.removeLast() }
    return path.isEmpty ? self.path.bytes : place + [slash] + path
  }

  private func members(of item: TreeManifest.Item) -> [(String, JSONValue)] {
    let path = place(of: item.path)
    let name = path.split(separator: UInt8(ascii: "/")).last ?? []
    var members = NodeJSON.members(path: path, name: name, facts: item.facts, target: item.target)
    if let digest = item.digest { members.append((hash.rawValue, .string(MtreeLine.hexadecimal(digest)))) }
    return members
  }
}

/// A digest, or none, as an argument.
enum DigestChoice: String, CaseIterable, ExpressibleByArgument {
  case sha256, sha384, sha512, none

  var algorithm: DigestAlgorithm? { DigestAlgorithm(rawValue: rawValue) }
}

/// A line of mtree(5) with the whole path.
struct MtreeLine {
  let text: [UInt8]

  init(_ item: TreeManifest.Item, digest choice: DigestChoice) {
    let attributes = item.facts.attributes
    var line = Self.escaped(Array((item.path.isEmpty ? "." : "./").utf8) + item.path)
    func add(_ key: String, _ value: String) { line += Array(" \(key)=\(value)".utf8) }
    add("type", Self.type(attributes.type))
    let octal = String(attributes.permissions & 0o7777, radix: 8)
    add("mode", String(repeating: "0", count: 4 - octal.count) + octal)
    add("uid", "\(attributes.owner)")
    add("gid", "\(attributes.group)")
    add("nlink", "\(attributes.linkCount)")
    if attributes.type == .regular { add("size", "\(attributes.size)") }
    add("time", "\(attributes.modified.seconds).\(TimeText.padded(Int(attributes.modified.nanoseconds), 9))")
    if let device = attributes.deviceNumber { add("device", "native,\(device.major),\(device.minor)") }
    if let target = item.target { line += Array(" link=".utf8) + Self.escaped(target) }
    if let digest = item.digest { add("\(choice.rawValue)digest", Self.hexadecimal(digest)) }
    text = line + [UInt8(ascii: "\n")]
  }

  private static func type(_ type: NodeType) -> String {
    switch type {
    case .regular: "file"
    case .directory: "dir"
    case .symbolicLink: "link"
    case .characterDevice: "char"
    case .blockDevice: "block"
    case .fifo: "fifo"
    case .socket: "socket"
    }
  }

  static func hexadecimal(_ bytes: [UInt8]) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }

  /// As vis(3) writes what has a meaning of its own: a backslash and three octal digits.
  private static func escaped(_ bytes: [UInt8]) -> [UInt8] {
    var text: [UInt8] = []
    text.reserveCapacity(bytes.count)
    for byte in bytes {
      switch byte {
      case 0x21...0x7E where !"\\#*?[=".utf8.contains(byte): text.append(byte)
      default:
        text += [
          UInt8(ascii: "\\"), UInt8(ascii: "0") + byte >> 6, UInt8(ascii: "0") + byte >> 3 & 7,
          UInt8(ascii: "0") + byte & 7,
        ]
      }
    }
    return text
  }
}
