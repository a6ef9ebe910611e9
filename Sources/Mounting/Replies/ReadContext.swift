internal import BlockDevices
internal import Bytes
internal import Glibc
internal import Synchronization
internal import SystemPackage

/// What one worker needs to answer READs and listings, kept from one request to the next: a pipe, memory, a list.
///
/// Safe to pass between threads: the pool gives it to one worker at a time.
@safe final class ReadContext: @unchecked Sendable {
  /// Bytes of the largest READ: what fits a pipe of 1 MiB, the most without root, with room for the header.
  static let largestRead = 512 << 10

  private let counters: Counters
  private var pipe: ReplyPipe?
  private var pipesMayWork: Bool
  private var extents = HostExtentList()
  /// Memory of `largestRead` bytes, on a page; made when first needed.
  private var memory: UnsafeMutableRawBufferPointer?

  init(counters: Counters, splices: Bool) {
    self.counters = counters
    pipesMayWork = splices
    // Safe: there is none.
    unsafe memory = nil
  }

  deinit {
    // Safe: nobody else has the memory.
    if let memory = unsafe memory { unsafe munmap(memory.baseAddress, memory.count) }
  }

  /// Zeros that every reply may refer to: untouched private memory, which the kernel backs with one page of zeros.
  // Safe: nobody writes there.
  nonisolated(unsafe) private static let zeros: UnsafeRawBufferPointer = {
    let start = unsafe mmap(nil, largestRead, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    guard let start = unsafe start, unsafe start != MAP_FAILED else { fatalError("out of memory") }
    return unsafe UnsafeRawBufferPointer(start: start, count: largestRead)
  }()

  /// The memory, for the length of a request.
  @unsafe func buffer() throws(ReadError) -> UnsafeMutableRawBufferPointer {
    if let memory = unsafe memory { return unsafe memory }
    let start = unsafe mmap(nil, Self.largestRead, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    guard let start = unsafe start, unsafe start != MAP_FAILED else { throw .io(.noMemory, "reply") }
    let made = unsafe UnsafeMutableRawBufferPointer(start: start, count: Self.largestRead)
    unsafe memory = made
    return unsafe made
  }

  /// Answers with the bytes of `range`, which lies within the device and is at most `largestRead` long.
  /// - Throws: what could not be read; then nothing has been answered yet.
  /// - Parameter note: told where they lie, before any of them is read.
  func answer(
    _ range: Range<UInt64>, of device: any BlockDevice, to request: Request, note: (HostExtentList) -> Void
  ) throws(ReadError) {
    let count = Int(range.upperBound - range.lowerBound)
    extents.removeAll()
    try device.resolve(range, into: &extents)
    note(extents)
    let isWhole = extents.length == UInt64(count)
    if isWhole {
      switch ReplyMethod(for: extents.extents, slots: pipesMayWork ? slots() : 0) {
      case .zeros:
        counters.add(to: .zeroReplies)
        counters.add(UInt64(count), to: .bytesZero)
        // Safe: the zeros have `largestRead` bytes.
        _ = unsafe request.answer(memory: UnsafeRawBufferPointer(rebasing: Self.zeros.prefix(count)))
        return
      case .pipe:
        if try answerByPipe(count, to: request) { return }
      case .copy: break
      }
    }
    try answerByCopy(range, of: device, isResolved: isWhole, to: request)
  }

  private func slots() -> Int {
    if pipe == nil {
      pipe = ReplyPipe(room: 2 * Self.largestRead)
      if pipe == nil { pipesMayWork = false }
    }
    return pipe?.slots ?? 0
  }

  /// False where the image cannot be spliced; the pipe is then empty and nothing answered.
  private func answerByPipe(_ count: Int, to request: Request) throws(ReadError) -> Bool {
    guard let pipe else { return false }
    var spliced: UInt64 = 0
    var zeros: UInt64 = 0
    var copied: UInt64 = 0
    do {
      for extent in extents.extents {
        let length = Int(extent.length)
        switch extent.kind {
        case .host(let file, let offset) where ReplyMethod.isSpliced(extent):
          try pipe.splice(length, of: file, at: offset)
          spliced += extent.length
        case .hole:
          // Safe: the zeros never change, and the length is at most a READ's.
          try unsafe pipe.append(reference: UnsafeRawBufferPointer(rebasing: Self.zeros.prefix(length)))
          zeros += extent.length
        case .host, .encoded:
          try appendCopy(of: extent, to: pipe)
          copied += extent.length
        }
      }
    } catch {
      // Whatever is in the pipe belongs to no reply.
      self.pipe = nil
      switch error.cause {
      case .io(.invalidArgument), .io(.notSupported):
        // Not every filesystem that an image lies on can be spliced from.
        pipesMayWork = false
        return false
      case .io(.resourceTemporarilyUnavailable):
        // More places were taken than pages: an odd page cache. Copying always works.
        return false
      default: throw error
      }
    }
    guard pipe.filled == count else {
      self.pipe = nil
      throw .io(.ioError, "reply")
    }
    pipe.send(count, to: request)
    counters.add(to: .splicedReplies)
    counters.add(spliced, to: .bytesSpliced)
    counters.add(zeros, to: .bytesZero)
    counters.add(copied, to: .bytesCopied)
    // A reply that was not taken stays in the pipe, where the next one would find it.
    if pipe.filled != 0 { self.pipe = nil }
    return true
  }

  private func appendCopy(of extent: HostExtent, to pipe: ReplyPipe) throws(ReadError) {
    let count = Int(extent.length)
    // Safe: an extent of a READ is at most `largestRead` long, and so is the memory.
    let room = unsafe UnsafeMutableRawBufferPointer(rebasing: try buffer().prefix(count))
    var out = unsafe OutputRawSpan(buffer: room, initializedCount: 0)
    try extent.read(into: &out)
    // Safe: the span was made of this room.
    guard unsafe out.finalize(for: room) == count else { throw .corrupt("data") }
    try unsafe pipe.append(copy: UnsafeRawBufferPointer(room))
  }

  private func answerByCopy(
    _ range: Range<UInt64>, of device: any BlockDevice, isResolved: Bool, to request: Request
  ) throws(ReadError) {
    let count = Int(range.upperBound - range.lowerBound)
    let reply = unsafe ReplyMemory(scratch: try buffer(), zeros: Self.zeros)
    if isResolved {
      for extent in extents.extents { try reply.append(extent) }
    } else {
      // More extents than the list holds: the device goes through them itself.
      try reply.append(count) { (out) throws(ReadError) in try device.read(count, at: range.lowerBound, into: &out) }
    }
    guard reply.count == count else { throw .corrupt("data", at: range.lowerBound) }
    counters.add(to: .copiedReplies)
    counters.add(UInt64(count - reply.zeroCount), to: .bytesCopied)
    counters.add(UInt64(reply.zeroCount), to: .bytesZero)
    reply.send(to: request)
  }
}

/// Contexts that are not in use. There are never more than there are workers.
final class ReadContextPool: Sendable {
  private let counters: Counters
  private let splices: Bool
  private let idle = Mutex<[ReadContext]>([])

  init(counters: Counters, splices: Bool) {
    self.counters = counters
    self.splices = splices
  }

  func withContext(_ body: (ReadContext) throws(ReadError) -> Void) throws(ReadError) {
    let context = take()
    defer { giveBack(context) }
    try body(context)
  }

  private func take() -> ReadContext {
    idle.withLock { $0.popLast() } ?? ReadContext(counters: counters, splices: splices)
  }

  private func giveBack(_ context: ReadContext) { idle.withLock { $0.append(context) } }
}
