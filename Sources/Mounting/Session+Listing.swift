internal import Browsing
internal import Bytes
internal import CFuse
internal import FileSystems
internal import Glibc
internal import SystemPackage

extension Session {
  /// Answers READDIR, or READDIRPLUS, which tells the attributes of all entries in the same go.
  func list(_ number: UInt64, _ size: Int, _ offset: off_t, plus: Bool, _ request: Request) {
    counters.add(to: plus ? .listPlus : .list)
    answering(request, number) { () throws(ReadError) in
      try contexts.withContext { (context) throws(ReadError) in
        // Safe: `filled` counts the bytes that libfuse has written, never more than `room` has.
        let memory = try unsafe context.buffer()
        let room = unsafe UnsafeMutableRawBufferPointer(rebasing: memory.prefix(max(size, 0)))
        var filled = 0
        try tree.list(number, from: UInt64(bitPattern: Int64(offset))) { name, listed in
          let left = unsafe UnsafeMutableRawBufferPointer(rebasing: room.dropFirst(filled))
          let needed = unsafe add(name, listed, plus: plus, to: left, request)
          guard needed <= left.count else { return false }
          filled += needed
          return true
        }
        _ = unsafe request.answer(memory: UnsafeRawBufferPointer(rebasing: room.prefix(filled)))
      }
    }
  }

  /// The longest name that the kernel takes in a listing; with a longer one it would refuse all of it.
  private static let longestName = 1024

  /// The bytes that the entry takes; more than there is room for means that nothing was added.
  @unsafe private func add(
    _ name: RawSpan, _ listed: ListedEntry, plus: Bool, to room: UnsafeMutableRawBufferPointer, _ request: Request
  ) -> Int {
    guard name.byteCount <= Self.longestName else { return 0 }
    return unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: name.byteCount + 1) { terminated in
      unsafe name.withUnsafeBytes { unsafe UnsafeMutableRawBufferPointer(terminated).copyMemory(from: $0) }
      unsafe terminated[name.byteCount] = 0
      guard let start = terminated.baseAddress else { return 0 }
      let pointer = unsafe UnsafePointer<CChar>(start)
      var bare = stat()
      bare.st_ino = ino_t(listed.statNumber)
      bare.st_mode = mode_t(listed.type?.rawValue ?? 0)
      guard plus else { return unsafe request.add(pointer, bare, next: listed.cookie, to: room) }
      var entry = fuse_entry_param()
      entry.attr = bare
      // A number of 0 says only the name: for "." and "..", which are known, for what does not fit anyway, and for
      // what cannot be read, so that one bad node does not hide its neighbours.
      if listed.cookie > 2, room.count >= name.byteCount + Self.entrySize {
        if let facts = try? tree.facts(of: listed.number) { entry = self.entry(facts) }
      }
      return unsafe request.add(pointer, entry, next: listed.cookie, to: room)
    }
  }

  /// Bytes of an entry with attributes, without its name (`struct fuse_direntplus` of <linux/fuse.h>).
  private static let entrySize = 152
}
