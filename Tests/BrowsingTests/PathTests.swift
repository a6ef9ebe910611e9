import BlockDevices
@testable import Browsing
import Bytes
import FileSystems
import SystemPackage
import TestSupport
import Testing

/// Paths inside an image, which never lead out of it.
@Suite struct PathTests {
  private let tree: Tree

  init() throws {
    let file = try HostFile(opening: "/proc/self/exe")
    var nodes: [UInt64: MemoryFileSystem.Node] = [
      2: .init(kind: .directory([("a", 3), ("top", 10), ("loop", 11), ("up", 12), ("chain0", 100), ("long0", 200)])),
      3: .init(kind: .directory([("b", 4), ("file", 5), ("back", 13), ("abs", 14), ("dangling", 15), ("toB", 16)])),
      4: .init(kind: .directory([("deep", 6)])), 5: .init(kind: .file([Extent(.hole, length: 1)])),
      6: .init(kind: .file([Extent(.hole, length: 2)])), 10: .init(kind: .link("/a")),
      11: .init(kind: .link("loop")), 12: .init(kind: .link("../../../../a/file")), 13: .init(kind: .link("../a/b")),
      14: .init(kind: .link("/a/b/deep")), 15: .init(kind: .link("nowhere")), 16: .init(kind: .link("b/")),
    ]
    // Forty links are followed, and not one more.
    for (base, count) in [(100, 39), (200, 40)] as [(UInt64, UInt64)] {
      let name = base == 100 ? "chain" : "long"
      var entries: [(name: String, node: UInt64)] = []
      for index in 0...count {
        entries.append(("\(name)\(index)", base + index))
        nodes[base + index] = .init(kind: .link(index == count ? "a/file" : "\(name)\(index + 1)"))
      }
      guard case .directory(let top)? = nodes[2]?.kind else { continue }
      nodes[2]?.kind = .directory(top + entries.dropFirst())
    }
    tree = Tree(of: MemoryFileSystem(on: file, nodes: nodes))
  }

  private func number(_ path: String, followsLast: Bool = true) throws -> UInt64 {
    try tree.node(at: Array(path.utf8), followsLast: followsLast).statNumber
  }

  private func error(_ path: String, followsLast: Bool = true) -> Errno? {
    do {
      _ = try tree.node(at: Array(path.utf8), followsLast: followsLast)
      return nil
    } catch {
      guard case .io(let errno) = error.cause else { return nil }
      return errno
    }
  }

  @Test func namesAreFound() throws {
    for path in ["/", ".", "//", "/.", "..", "/../..", "/a/..", "a/../"] { #expect(try number(path) == 2, "\(path)") }
    for path in ["/a/file", "a/file", "//a//file", "/a/./b/../file", "../a/file"] {
      #expect(try number(path) == 5, "\(path)")
    }
  }

  @Test func linksStayInTheVolume() throws {
    #expect(try number("/top/file") == 5)
    #expect(try number("/up") == 5)
    #expect(try number("/a/back/deep") == 6)
    #expect(try number("/a/abs") == 6)
    #expect(try number("/a/toB") == 4)
    #expect(try number("/top/../a") == 3)
  }

  @Test func theLastLinkIsFollowedWhereAskedFor() throws {
    #expect(try number("/top", followsLast: false) == 10)
    #expect(try number("/top/", followsLast: false) == 3)
    #expect(try number("/a/dangling", followsLast: false) == 15)
    // One within the way always is.
    #expect(try number("/top/back", followsLast: false) == 13)
  }

  @Test func whatLeadsNowhereIsSaidAsLinuxDoes() {
    #expect(error("") == .noSuchFileOrDirectory)
    #expect(error("/nothing") == .noSuchFileOrDirectory)
    #expect(error("/nothing/x") == .noSuchFileOrDirectory)
    #expect(error("/a/dangling") == .noSuchFileOrDirectory)
    #expect(error("/a/file/") == .notDirectory)
    #expect(error("/a/file/x") == .notDirectory)
    #expect(error("/a/file/..") == .notDirectory)
    #expect(error("/loop") == .tooManySymbolicLinkLevels)
    #expect(error("/chain0") == nil)
    #expect(error("/long0") == .tooManySymbolicLinkLevels)
  }
}
