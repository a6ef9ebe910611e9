internal import Glibc
internal import Synchronization

/// Large pieces of memory that go back to the system when many are idle, and else to whoever wants the next.
///
/// Decoded units come and go by thousands a second, from several threads. malloc would keep what each of them freed in
/// arenas that others cannot use; and fresh memory costs a page fault for every page.
// Safe: a piece is with one owner at a time, or in the list, which only the lock's holder touches.
@safe struct RecycledMemory: @unchecked Sendable {
  private struct Idle {
    var pieces: [Int: [RecycledMemory]] = [:]
    var size = 0
  }

  /// Bytes of a piece are a multiple of this.
  private static let step = 16 << 10
  /// What is smaller is malloc's.
  private static let smallest = 64 << 10
  /// Bytes of idle pieces that are kept.
  private static let idleLimit = 5 << 20
  private static let idle = Mutex(Idle())

  private let memory: UnsafeMutableRawPointer
  private let capacity: Int

  /// Bytes of memory that `byteCount` bytes take.
  static func footprint(of byteCount: Int) -> Int {
    byteCount < smallest ? max(byteCount, 1) : (byteCount + step - 1) / step * step
  }

  /// Memory for `byteCount` bytes at least.
  static func take(_ byteCount: Int) -> RecycledMemory {
    let capacity = footprint(of: byteCount)
    guard byteCount >= smallest else { return RecycledMemory(small: byteCount) }
    let kept = idle.withLock { idle in
      let piece = idle.pieces[capacity]?.popLast()
      if piece != nil { idle.size -= capacity }
      return piece
    }
    return kept ?? RecycledMemory(large: capacity)
  }

  // Safe: deallocated by `giveBack`.
  private init(small byteCount: Int) {
    capacity = 0
    unsafe memory = UnsafeMutableRawPointer.allocate(byteCount: max(byteCount, 1), alignment: 16)
  }

  // Safe: what mmap gives has the size that is asked for.
  private init(large capacity: Int) {
    let made = unsafe mmap(nil, capacity, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    guard let made = unsafe made, unsafe made != MAP_FAILED else { fatalError("out of memory") }
    self.capacity = capacity
    unsafe memory = made
  }

  /// - Parameter count: bytes, at most as many as were asked for.
  @unsafe func buffer(_ count: Int) -> UnsafeMutableRawBufferPointer {
    unsafe UnsafeMutableRawBufferPointer(start: memory, count: count)
  }

  /// To be called once, by whoever has the memory last.
  @unsafe func giveBack() {
    guard capacity > 0 else { return unsafe memory.deallocate() }
    let isKept = Self.idle.withLock { idle in
      guard idle.size + capacity <= Self.idleLimit else { return false }
      idle.pieces[capacity, default: []].append(self)
      idle.size += capacity
      return true
    }
    if !isKept { unsafe munmap(memory, capacity) }
  }
}
