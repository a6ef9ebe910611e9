import CTestSupport
import FileSystems
import Foundation
import Glibc
import TestSupport
import Testing

/// Filesystems that the kernel's own driver wrote, by random but repeatable operations: trees that grew, shrank and
/// fragmented as mkfs.ext4 never makes them.
@Suite(.serialized, .enabled(if: Privileges.hasKernelDriver, "needs root, loop devices and the kernel's ext4"))
struct Ext4KernelWrittenTests {
  static let options: [[String]] = [
    ["-t", "ext4", "-b", "1024"],
    ["-t", "ext4", "-b", "4096", "-O", "inline_data,large_dir"],
    ["-t", "ext4", "-b", "2048", "-O", "bigalloc,^resize_inode", "-C", "16384"],
    ["-t", "ext4", "-b", "1024", "-I", "128", "-O", "^metadata_csum,uninit_bg"],
    ["-t", "ext4", "-b", "4096", "-I", "512", "-O", "ea_inode,metadata_csum_seed"],
    ["-t", "ext3", "-b", "1024"],
    ["-t", "ext2", "-b", "4096", "-O", "^filetype"],
    ["-t", "ext2", "-b", "1024", "-O", "meta_bg,^resize_inode", "-g", "1024"],
  ]

  @Test(arguments: options) func libraryEqualsKernel(_ options: [String]) throws {
    let folder = try TemporaryDirectory(prefix: "vitrine-written")
    let image = folder.url.appendingPathComponent("image").path
    let mount = folder.url.appendingPathComponent("mount").path
    try runSuccessfully(["truncate", "-s", "96M", image])
    try runSuccessfully(
      ["mkfs.ext4", "-q", "-F", "-E", "hash_seed=00010203-0405-0607-0809-0a0b0c0d0e0f"] + options + [image])
    try FileManager.default.createDirectory(atPath: mount, withIntermediateDirectories: false)
    try runSuccessfully(["mount", "-t", "ext4", "-o", "loop,acl,user_xattr", image, mount])
    do {
      defer { _ = try? run(["umount", mount]) }
      var writer = RandomWriter(root: mount, seed: 42)
      try writer.write()
    }
    let kernel = try withKernelMount(of: image) { Listing(ofDirectory: $0) }
    let library = Listing(of: try openFileSystem(in: image))
    let difference = kernel.difference(from: library, named: ("kernel", "library"))
    #expect(difference == nil, "\(options):\n\(difference ?? "")")
    // That there was something to compare.
    #expect(kernel.lines.count > 1000)
    #expect(kernel.failedPaths.isEmpty)
  }
}

private struct RandomWriter {
  let root: String
  var generator: SeededGenerator

  init(root: String, seed: UInt64) {
    self.root = root
    generator = SeededGenerator(seed: seed)
  }

  mutating func write() throws {
    try manyNames()
    try files()
    try links()
    try attributes()
  }

  private mutating func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &generator) }

  /// A directory that gets an index and loses half of its names again, with names of all lengths and bytes.
  private mutating func manyNames() throws {
    let folder = root + "/names"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
    var names: [[CChar]] = []
    for index in 0..<3000 {
      var name = Array("\(index)-".utf8)
      for _ in 0..<number(0...(index % 20 == 0 ? 240 : 30)) {
        let byte = UInt8(number(1...255))
        name.append(byte == UInt8(ascii: "/") ? UInt8(ascii: "_") : byte)
      }
      let path = (Array(folder.utf8) + [UInt8(ascii: "/")] + name.prefix(255) + [0]).map { CChar(bitPattern: $0) }
      // Safe, here and below: the path ends in NUL.
      let made = unsafe open(path, O_CREAT | O_WRONLY | O_EXCL, 0o644)
      guard made >= 0 else { throw CocoaError(.fileWriteUnknown) }
      close(made)
      names.append(path)
    }
    for path in names where number(0...1) == 0 { _ = unsafe unlink(path) }
  }

  /// Files written at random places, with holes, punched holes and room that was never written.
  private mutating func files() throws {
    try FileManager.default.createDirectory(atPath: root + "/files", withIntermediateDirectories: false)
    for index in 0..<120 {
      let path = root + "/files/f\(index)"
      let file = unsafe open(path, O_CREAT | O_RDWR, 0o600)
      guard file >= 0 else { throw CocoaError(.fileWriteUnknown) }
      defer { close(file) }
      let span = 1 << number(4...(index % 10 == 0 ? 34 : 20))
      for _ in 0..<number(0...(index % 7 == 0 ? 300 : 12)) {
        let offset = number(0...span)
        let bytes = [UInt8](repeating: UInt8(number(1...255)), count: number(1...(index % 5 == 0 ? 20000 : 3000)))
        _ = unsafe pwrite(file, bytes, bytes.count, off_t(offset))
        // Holes and room on what the filesystem cannot do it for just fail.
        let other = Int64(number(0...span))
        let length = Int64(number(1...50000))
        switch number(0...9) {
        case 0: _ = test_allocate(file, 3, other, length)
        case 1: _ = test_allocate(file, 1, other, length)
        case 2: _ = test_allocate(file, 0x10, other, length)
        case 3: fsync(file)
        default: break
        }
      }
      if number(0...3) == 0 { ftruncate(file, off_t(number(0...span))) }
      fchmod(file, mode_t(number(0...0o7777)))
      fchown(file, uid_t(number(0...200_000)), gid_t(number(0...200_000)))
      let times = [
        timespec(tv_sec: number(-2_000_000_000...4_000_000_000), tv_nsec: number(0...999_999_999)),
        timespec(tv_sec: number(-2_000_000_000...15_000_000_000), tv_nsec: number(0...999_999_999)),
      ]
      _ = unsafe futimens(file, times)
    }
  }

  private mutating func links() throws {
    let folder = root + "/links"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
    var lengths = [1, 58, 59, 60, 61, 100, 150, 155, 156, 160, 500, 1000, 1022, 1023]
    for _ in 0..<40 { lengths.append(number(1...900)) }
    for length in lengths {
      let target = String(repeating: "x/y", count: length / 3 + 1).prefix(length)
      _ = unsafe symlink(String(target), "\(folder)/\(length)")
    }
    for index in 0..<5 { _ = unsafe mknod("\(folder)/c\(index)", S_IFCHR | 0o600, dev_t(number(0...1_000_000))) }
    // Not of the files above: once the kernel has read room that was never written, it takes it for data.
    try Data("linked".utf8).write(to: URL(fileURLWithPath: folder + "/original"))
    for index in 0..<5 { _ = unsafe link("\(folder)/original", "\(folder)/h\(index)") }
    var deep = root
    for index in 0..<30 {
      deep += "/d\(index)"
      try FileManager.default.createDirectory(atPath: deep, withIntermediateDirectories: false)
    }
  }

  private mutating func attributes() throws {
    for index in 0..<120 {
      let path = "\(root)/files/f\(index)"
      for attribute in 0..<number(0...6) {
        let value = [UInt8](repeating: UInt8(number(0...255)), count: number(0...(attribute == 5 ? 60000 : 120)))
        // What does not fit is left out.
        _ = unsafe test_set_attribute(path, "user.a\(attribute)\(index % 3)", value, value.count)
      }
      if index % 4 == 0 { _ = unsafe test_set_attribute(path, "trusted.t", "v", 1) }
      if index % 9 == 0 { try runSuccessfully(["setfacl", "-m", "u:\(number(1...70000)):r,g:7:rwx,m::rx", path]) }
    }
    try runSuccessfully(["setfacl", "-d", "-m", "u:1:rwx", root + "/d0"])
  }
}
