import BlockDevices
import Browsing
import Bytes
import CTestSupport
import FileSystems
import Foundation
@testable import Mounting
import SystemPackage
import TestSupport
import Testing

/// Everything but contents, through real mounts. One at a time: libfuse's signal handlers are the process's.
@Suite(.serialized, .enabled(if: Privileges.hasFUSE)) struct SessionMetadataTests {
  private let host: HostFile
  init() throws { host = try HostFile(opening: "/proc/self/exe") }

  private func mount<R>(
    _ nodes: [UInt64: MemoryFileSystem.Node], _ options: String = "", _ body: (MemoryMount) throws -> R
  ) throws -> R {
    try MemoryMount.with(Tree(of: MemoryFileSystem(on: host, nodes: nodes)), options, body)
  }

  private func status(_ path: String) throws -> stat {
    var status = stat()
    guard unsafe lstat(path, &status) == 0 else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
    return status
  }

  /// Names and inode numbers, as readdir(3) gives them.
  private func list(_ path: String) throws -> [(String, UInt64)] {
    guard let folder = unsafe opendir(path) else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
    defer { unsafe closedir(folder) }
    var entries: [(String, UInt64)] = []
    errno = 0
    while let entry = unsafe readdir(folder) {
      unsafe entries.append((FolderEntry.name(entry), UInt64(entry.pointee.d_ino)))
      errno = 0
    }
    guard errno == 0 else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
    return entries
  }

  private var small: [UInt64: MemoryFileSystem.Node] {
    [
      2: .init(
        kind: .directory([("f", 10), ("d", 11), ("l", 12), ("c", 13), ("hidden", 14), ("broken", 15)]),
        permissions: 0o1755),
      10: .init(
        kind: .file([Extent(.mapped(source: 0, offset: 0), length: 1000), Extent(.hole, length: 9000)]),
        permissions: 0o4755, owner: 77,
        attributes: [("user.one", Array("value".utf8)), ("user.empty", []), ("security.x", [1, 2, 3])]),
      11: .init(kind: .directory([("inner", 10)]), permissions: 0o700),
      12: .init(kind: .link("f")),
      13: .init(kind: .device(DeviceNumber(major: 259, minor: 70_000))),
      14: .init(kind: .file([]), hidden: .checksum("inode")),
      15: .init(kind: .directory([]), permissions: 0o755, failure: .corrupt("directory")),
    ]
  }

  @Test func statTellsWhatTheImageSays() throws {
    try mount(small) { mount in
      let file = try status(mount.file("f"))
      #expect(file.st_ino == 10)
      #expect(file.st_mode == S_IFREG | 0o4755)
      #expect(file.st_uid == 77)
      #expect(file.st_size == 10_000)
      #expect(file.st_blocks == 2)
      #expect(file.st_mtim.tv_sec == 1_600_000_000 && file.st_mtim.tv_nsec == 123_456_789)
      #expect(try status(mount.path).st_ino == 2)
      #expect(try status(mount.path).st_mode == S_IFDIR | 0o1755)
      let device = try status(mount.file("c"))
      #expect(device.st_mode & S_IFMT == S_IFCHR)
      // 259 and 70000 as makedev(3) has them.
      #expect(device.st_rdev == (259 << 8) | (70_000 & 0xFF) | ((70_000 & ~0xFF) << 12))
      #expect(try FileManager.default.destinationOfSymbolicLink(atPath: mount.file("l")) == "f")
    }
  }

  @Test func ownersAndMasksOverrideTheImage() throws {
    try mount(small, "uid=5,gid=6,fmask=0033,dmask=077") { mount in
      let file = try status(mount.file("f"))
      #expect(file.st_uid == 5 && file.st_gid == 6)
      #expect(file.st_mode & 0o7777 == 0o4744)
      #expect(try status(mount.path).st_mode & 0o7777 == 0o1700)
      #expect(try status(mount.file("l")).st_mode & 0o777 == 0o644)
    }
  }

  @Test func oneBadNodeHidesNothingElse() throws {
    try mount(small) { mount in
      let names = try list(mount.path).map(\.0)
      #expect(names == [".", "..", "f", "d", "l", "c", "hidden", "broken"])
      #expect(throws: POSIXError(.EIO)) { try status(mount.file("hidden")) }
      #expect(throws: POSIXError(.EIO)) { try list(mount.file("broken")) }
      #expect(try status(mount.file("f")).st_size == 10_000)
    }
  }

  @Test func largeFoldersListEveryEntryOnceWithItsNumber() throws {
    let count: UInt64 = 5000
    var nodes: [UInt64: MemoryFileSystem.Node] = [:]
    nodes[2] = .init(
      kind: .directory(
        (0..<count).map { ("entry number \($0) \(String(repeating: "x", count: Int($0 % 200)))", $0 + 10) }),
      permissions: 0o755)
    for index in 0..<count { nodes[index + 10] = .init(kind: .file([])) }
    try mount(nodes) { mount in
      let entries = try list(mount.path)
      #expect(entries.count == Int(count) + 2)
      #expect(Set(entries.map(\.0)).count == entries.count)
      for (name, number) in entries.dropFirst(2).prefix(300) {
        #expect(try status(mount.file(name)).st_ino == number)
      }
    }
  }

  @Test func warmWalksNeverReachTheServer() throws {
    try mount(small) { mount in
      func walk() throws {
        for (name, _) in try list(mount.path) where name != "hidden" { _ = try status(mount.file(name)) }
        for (name, _) in try list(mount.file("d")) { _ = try status(mount.file("d/" + name)) }
        for _ in 0..<2 { #expect(throws: POSIXError(.ENOENT)) { try status(mount.file("nothing")) } }
        _ = try FileManager.default.destinationOfSymbolicLink(atPath: mount.file("l"))
        _ = try OpenFile(mount.file("f")).readAll()
      }
      // Twice: the kernel's second listing may still be one of the other kind.
      for _ in 0..<2 { try walk() }
      let before = mount.session.counters.lines
      try walk()
      #expect(mount.session.counters.lines == before)
    }
  }

  @Test func extendedAttributesAreThoseOfTheNode() throws {
    func get(_ path: String, _ name: String, room: Int) -> (Int, [UInt8]) {
      var bytes = [UInt8](repeating: 0, count: max(room, 1))
      let result = Int(unsafe test_get_attribute(path, name, &bytes, room))
      return (result, room == 0 ? [] : Array(bytes.prefix(max(result, 0))))
    }
    try mount(small) { mount in
      let path = mount.file("f")
      #expect(get(path, "user.one", room: 100) == (5, Array("value".utf8)))
      #expect(get(path, "user.one", room: 0).0 == 5)
      #expect(get(path, "user.one", room: 3).0 == -Int(ERANGE))
      #expect(get(path, "user.none", room: 3).0 == -Int(ENODATA))
      #expect(get(path, "user.empty", room: 3).0 == 0)
      var names = [CChar](repeating: 0, count: 100)
      let size = unsafe test_list_attributes(path, &names, 100)
      #expect(Int(size) == "user.one\0user.empty\0security.x\0".utf8.count)
      #expect(unsafe test_list_attributes(path, nil, 0) == size)
      #expect(unsafe test_list_attributes(path, &names, 5) == -Int64(ERANGE))
    }
  }

  @Test func nothingCanBeWritten() throws {
    try mount(small) { mount in
      #expect(throws: POSIXError(.EROFS)) { try OpenFile(mount.file("f"), O_WRONLY) }
      #expect(throws: POSIXError(.EROFS)) { try OpenFile(mount.file("new"), O_WRONLY | O_CREAT) }
      #expect(unsafe unlink(mount.file("f")) == -1 && errno == EROFS)
      #expect(unsafe chmod(mount.file("f"), 0o777) == -1 && errno == EROFS)
    }
  }

  @Test func statfsSpeaksOfTheFilesystem() throws {
    try mount(small) { mount in
      var statistics = statvfs()
      #expect(unsafe statvfs(mount.path, &statistics) == 0)
      #expect(statistics.f_bsize == 1024)
      #expect(statistics.f_blocks == 1000)
      #expect(statistics.f_bfree == 400)
      #expect(statistics.f_bavail == 300)
      #expect(statistics.f_files == 50)
      #expect(statistics.f_namemax == 255)
    }
  }
}
