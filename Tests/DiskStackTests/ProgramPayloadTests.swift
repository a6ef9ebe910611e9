import DiskStack
import FileSystems
import Foundation
import SystemPackage
import TestSupport
import Testing
import Volumes

/// A filesystem behind a program or script is found, wherever the program's headers say that it ends, and nothing else is taken
/// for one.
@Suite struct ProgramPayloadTests {
  /// A program of the ELF format that does nothing: a header, a segment, and a table of sections behind it.
  struct Program {
    var is64 = true
    var isBigEndian = false
    /// Bytes of the segment, which begins at byte 256.
    var segmentSize = 5000
    /// nil for none; else the byte at which the table of two sections begins, the second of which is `lastSection`.
    var sectionTable: Int? = 6000
    /// Start and length of a section.
    var lastSection = (start: 5300, count: 300)
    var lastSectionType = 1

    var bytes: [UInt8] {
      var bytes = [UInt8](repeating: 0, count: max(256 + segmentSize, lastSectionEnd, sectionsEnd))
      func put(_ value: Int, _ width: Int, at offset: Int) {
        for index in 0..<width {
          let shift = 8 * (isBigEndian ? width - 1 - index : index)
          bytes[offset + index] = UInt8(truncatingIfNeeded: value >> shift)
        }
      }
      let word = is64 ? 8 : 4
      bytes.replaceSubrange(0..<8, with: [0x7F, 0x45, 0x4C, 0x46, is64 ? 2 : 1, isBigEndian ? 2 : 1, 1, 0])
      put(128, word, at: is64 ? 32 : 28)
      put(sectionTable ?? 0, word, at: is64 ? 40 : 32)
      let counts = is64 ? 54 : 42
      put(is64 ? 56 : 32, 2, at: counts)
      put(1, 2, at: counts + 2)
      put(sectionSize, 2, at: counts + 4)
      put(sectionTable == nil ? 0 : 2, 2, at: counts + 6)
      put(256, word, at: 128 + (is64 ? 8 : 4))
      put(segmentSize, word, at: 128 + (is64 ? 32 : 16))
      if let sectionTable {
        let record = sectionTable + sectionSize
        put(lastSectionType, 4, at: record + 4)
        put(lastSection.start, word, at: record + (is64 ? 24 : 16))
        put(lastSection.count, word, at: record + (is64 ? 32 : 20))
      }
      return bytes
    }

    private var sectionSize: Int { is64 ? 64 : 40 }
    private var lastSectionEnd: Int { lastSectionType == 8 ? 0 : lastSection.start + lastSection.count }
    var sectionsEnd: Int { sectionTable.map { $0 + 2 * sectionSize } ?? 0 }
  }

  private static let payload = Fixture("squashfs", "gzip")

  private func open(_ bytes: [UInt8]) throws -> DiskStack {
    let directory = try TemporaryDirectory()
    let path = directory.path + "/program"
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    return try DiskStack(opening: FilePath(path))
  }

  private func payload() throws -> [UInt8] { Array(try Data(contentsOf: URL(fileURLWithPath: Self.payload.image()))) }

  private func expectFound(behind program: [UInt8], _ note: Comment) throws {
    let stack = try open(program + payload() + Array("a signature".utf8))
    #expect(stack.offset == UInt64(program.count), note)
    let fileSystem = try #require(stack.volumes.first?.fileSystem, note)
    let golden = Listing(parsing: try #require(try Self.payload.text("listing.txt")))
    #expect(golden.difference(from: Listing(of: fileSystem).condensed()) == nil, note)
  }

  @Test(arguments: [true, false], [true, false])
  func atTheEndOfTheSectionTable(is64: Bool, isBigEndian: Bool) throws {
    try expectFound(behind: Program(is64: is64, isBigEndian: isBigEndian).bytes, "64: \(is64), big: \(isBigEndian)")
  }

  @Test func behindTheLastSectionOrSegment() throws {
    try expectFound(behind: Program(lastSection: (7000, 1234)).bytes, "section")
    try expectFound(behind: Program(segmentSize: 9000).bytes, "segment")
    try expectFound(behind: Program(sectionTable: nil).bytes, "no sections")
    // What takes no place in the file has a size all the same.
    try expectFound(behind: Program(lastSection: (6500, 1 << 20), lastSectionType: 8).bytes, "no bits")
  }

  @Test(arguments: [1, 17, 4000, 100_000])
  func someBytesFurther(_ gap: Int) throws {
    try expectFound(behind: Program().bytes + [UInt8](repeating: 0xAA, count: gap), "\(gap)")
  }

  @Test func whereTheHeadersAreWrong() throws {
    try expectFound(
      behind: Program(sectionTable: 6000).bytes.replacing(40, with: [0xff, 0xff, 0xff, 0xff, 0xff]), "sections")
    try expectFound(
      behind: Program().bytes.replacing(54, with: [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]), "sizes")
  }

  @Test func theMagicAloneIsNothing() throws {
    let program = Program().bytes
    for fake in [Array("hsqs".utf8), Array("hsqs".utf8) + [UInt8](repeating: 0, count: 5000), Array("hsqshsqs".utf8)] {
      try expectFound(behind: program + fake, "\(fake.count)")
      #expect(throws: StackError.self) { try open(program + fake) }
    }
    #expect(throws: StackError.self) { try open(program) }
    // As often as it fits into the file.
    #expect(throws: StackError.self) {
      try open(program + Array(repeating: Array("hsqs".utf8), count: 100_000).joined())
    }
  }

  /// What is neither a program nor a script may hold anything: it is not shown, but who asks is told where it begins.
  @Test func furtherInAnythingElseItIsOnlyTold() throws {
    let text = [UInt8](repeating: 0x20, count: 200_001)
    let error = try #require(throws: StackError.self) { try open(text + payload()) }
    guard case .nothingRecognized(_, nil, 200_001) = error else {
      Issue.record("\(error)")
      return
    }
    #expect(error.text.hasSuffix("there is a SquashFS further in: -o offset=200001 shows it"))
    let other = try #require(throws: StackError.self) { try open(text) }
    #expect(other.text.hasSuffix("if the disk starts further in, say where with -o offset=BYTES"))
  }

  @Test(arguments: [0, 1, 65_533, 3_000_000])
  func behindAScript(_ length: Int) throws {
    let script = Array("#!/bin/sh\ntail -c +20000 \"$0\" >files; exit\n".utf8) + [UInt8](repeating: 0x0A, count: length)
    try expectFound(behind: script, "\(length)")
    #expect(throws: StackError.self) { try open(script) }
    // One that is cut short is named all the same.
    let payload = try payload()
    let volume = try open(script + payload.prefix(payload.count / 2)).volumes.first
    #expect(volume?.signature?.type == "squashfs" && volume?.fileSystem == nil)
  }

  /// Programs as they come from compilers and linkers.
  @Test(arguments: ["/bin/sh", "/usr/bin/env", "/usr/bin/perl"], [0, 3])
  func behindRealPrograms(_ path: String, gap: Int) throws {
    let program = Array(try Data(contentsOf: URL(fileURLWithPath: path)))
    try expectFound(behind: program + [UInt8](repeating: 0, count: gap), "\(path)")
    #expect(throws: StackError.self) { try open(program) }
  }

  @Test func oneThatIsCutShortIsStillNamed() throws {
    let payload = try payload()
    let stack = try open(Program().bytes + payload.prefix(payload.count / 2))
    #expect(stack.volumes.first?.signature?.type == "squashfs")
    guard case .unreadable? = stack.volumes.first?.contents else {
      Issue.record("\(String(describing: stack.volumes.first))")
      return
    }
  }

  @Test func anOffsetByHandIsTaken() throws {
    let program = Program().bytes
    let directory = try TemporaryDirectory()
    let path = directory.path + "/program"
    try Data(program + payload()).write(to: URL(fileURLWithPath: path))
    var options = DiskStack.Options()
    options.offset = UInt64(program.count)
    let stack = try DiskStack(opening: FilePath(path), options: options)
    #expect(stack.volumes.first?.fileSystem?.summary.type == "squashfs")
    // And nothing is looked for where a place is given.
    options.offset = 16
    #expect(throws: StackError.self) { try DiskStack(opening: FilePath(path), options: options) }
  }
}

extension [UInt8] {
  fileprivate func replacing(_ offset: Int, with bytes: [UInt8]) -> [UInt8] {
    var copy = self
    copy.replaceSubrange(offset..<(offset + bytes.count), with: bytes)
    return copy
  }
}
