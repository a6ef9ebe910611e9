internal import Browsing
internal import Bytes
internal import FileSystems

/// A node as `--json` tells of it: the same keys in every command.
enum NodeJSON {
  /// - Parameters:
  ///   - path: as it would be printed.
  ///   - target: where a symbolic link leads.
  static func members(
    path: some Collection<UInt8>, name: some Collection<UInt8>, facts: NodeFacts, target: [UInt8]?
  ) -> [(String, JSONValue)] {
    let attributes = facts.attributes
    var members = text("path", path) + text("name", name)
    let octal = String(attributes.permissions & 0o7777, radix: 8)
    members += [
      ("type", .string(attributes.type.name)), ("inode", .number(facts.statNumber)),
      ("mode", .string(String(repeating: "0", count: 4 - octal.count) + octal)),
      ("nlink", .number(UInt64(attributes.linkCount))), ("uid", .number(UInt64(attributes.owner))),
      ("gid", .number(UInt64(attributes.group))), ("size", .number(attributes.size)),
      ("allocated", .number(attributes.allocatedSize)), ("atime", .string(TimeText.iso(attributes.accessed))),
      ("mtime", .string(TimeText.iso(attributes.modified))), ("ctime", .string(TimeText.iso(attributes.changed))),
      ("btime", attributes.created.map { .string(TimeText.iso($0)) } ?? .null),
    ]
    if let target { members += text("target", target) }
    if let device = attributes.deviceNumber {
      members += [("major", .number(UInt64(device.major))), ("minor", .number(UInt64(device.minor)))]
    }
    return members
  }

  /// A name, which is bytes: where they are no UTF-8, they are there in hexadecimal digits as well.
  static func text(_ key: String, _ bytes: some Collection<UInt8>) -> [(String, JSONValue)] {
    if let text = String(validating: bytes, as: UTF8.self) { return [(key, .string(text))] }
    let digits = bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    return [(key, .string(String(decoding: bytes, as: UTF8.self))), ("\(key)-hex", .string(digits))]
  }
}

/// A JSON array whose elements are written as they come, each on a line of its own.
final class JSONArrayOutput {
  private let output: Output
  private var isEmpty = true

  init(_ output: Output) throws {
    self.output = output
    try output.write("[")
  }

  func write(_ value: JSONValue) throws { try element { try output.write(value.line) } }

  /// An element that `body` writes.
  func element(_ body: () throws -> Void) throws {
    try output.write(isEmpty ? "\n" : ",\n")
    isEmpty = false
    try body()
  }

  func finish() throws { try output.write(isEmpty ? "]\n" : "\n]\n") }
}
