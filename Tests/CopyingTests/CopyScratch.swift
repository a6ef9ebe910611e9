import BlockDevices
import Browsing
import Copying
import FileSystems
import Foundation
import SystemPackage
import TestSupport

/// Copies from trees that no real filesystem would have, into a folder beside which nothing may appear.
final class CopyScratch: CopyObserver {
  let folder: TemporaryDirectory
  let target: String
  private(set) var failures: [String] = []
  private(set) var copied: [String] = []

  init() throws {
    folder = try TemporaryDirectory(prefix: "vitrine-copy")
    target = folder.path + "/target"
    try FileManager.default.createDirectory(atPath: target, withIntermediateDirectories: false)
    try Data("outside".utf8).write(to: folder.url.appendingPathComponent("outside"))
  }

  func copied(_ source: [UInt8], to target: () -> [UInt8]) { copied.append(String(decoding: source, as: UTF8.self)) }

  func failed(_ failure: CopyFailure, at source: [UInt8], to target: () -> [UInt8]) {
    failures.append("\(String(decoding: source, as: UTF8.self)): \(failure)")
  }

  func progressed(_ bytes: UInt64) {}

  /// A tree of these nodes; the root is 2. Files hold parts of a host file of 64 KiB of "x".
  func tree(_ nodes: [UInt64: MemoryFileSystem.Node]) throws -> Tree {
    let path = folder.path + "/device"
    try Data(repeating: UInt8(ascii: "x"), count: 64 << 10).write(to: URL(fileURLWithPath: path))
    return Tree(of: MemoryFileSystem(on: try HostFile(opening: FilePath(path)), nodes: nodes))
  }

  static func file(_ size: UInt64 = 10) -> MemoryFileSystem.Node {
    MemoryFileSystem.Node(kind: .file([Extent(.mapped(source: 0, offset: 0), length: size)]))
  }

  static func folder(_ entries: [(name: String, node: UInt64)]) -> MemoryFileSystem.Node {
    MemoryFileSystem.Node(kind: .directory(entries), permissions: 0o755)
  }

  static func link(_ target: String) -> MemoryFileSystem.Node {
    MemoryFileSystem.Node(kind: .link(target), permissions: 0o777)
  }

  /// Copies the whole tree into the target.
  func copy(_ tree: Tree, _ change: (inout CopyOptions) -> Void = { _ in }) throws {
    var options = CopyOptions()
    options.isRecursive = true
    options.keepsAttributes = true
    options.keepsLinks = true
    change(&options)
    let copy = TreeCopy(of: tree, options: options, observer: self)
    try copy.copy(
      tree.facts(of: Tree.root), from: Array("/".utf8), as: nil, into: CopyDestination(Array(target.utf8)))
  }

  /// What is in the target, sorted.
  var contents: [String] {
    (try? FileManager.default.subpathsOfDirectory(atPath: target).sorted()) ?? []
  }

  /// Whether beside the target all is as it was.
  var outsideIsUntouched: Bool {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()) ?? []
    return names == ["device", "outside", "target"]
      && (try? String(contentsOfFile: folder.path + "/outside", encoding: .utf8)) == "outside"
  }
}
