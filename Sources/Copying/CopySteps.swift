internal import Browsing
internal import Bytes
internal import FileSystems
internal import Synchronization

/// Where something goes that is copied.
struct CopyPlace {
  /// In the image.
  let path: [UInt8]
  /// nil for the folder itself.
  let name: [UInt8]?
  let folder: TargetFolder

  /// As a person would write it.
  var target: [UInt8] {
    guard let name, !name.isEmpty else { return folder.path }
    let slash = UInt8(ascii: "/")
    let path = folder.path
    return path + (path == [slash] ? [] : [slash]) + name
  }
}

/// What a copy has begun and not ended, in the order in which it was begun: files are made by several threads, and get
/// their names, as folders get their attributes, by one, in that order.
struct CopySteps {
  enum Step {
    /// A file in a folder of this copy.
    case file(NodeFacts, CopyPlace)
    /// What is there already, and is only to be told of in its turn.
    case made(CopyPlace)
    /// A folder, when all that goes into it is there.
    case leave(NodeFacts, CopyPlace)
  }

  /// Files that one thread makes, one after the other: to hand on each alone takes as long as to make a small one.
  private struct Batch: Sendable {
    var files: [(facts: NodeFacts, host: HostFolder)] = []
    var size: UInt64 = 0
    /// Files that have their names, to be let go: closing them takes longer than the rest of what is left to do.
    var named: [NewFile] = []

    static let longest = 16
    /// Bytes after which nothing is added.
    static let largest: UInt64 = 512 << 10
  }

  private typealias Made = Result<NewFile, CopyFailure>

  /// Descriptors and memory that a copy takes are bounded by these; so many at a time that threads seldom wait.
  private static let limit = 128
  private static let low = 64

  /// Bytes of contents that the threads have copied, and that nobody has been told of.
  final class Progress: Sendable {
    private let bytes = Atomic<UInt64>(0)

    func add(_ count: UInt64) { bytes.wrappingAdd(count, ordering: .relaxed) }
    func take() -> UInt64 { bytes.exchange(0, ordering: .relaxed) }
  }

  private var pool: OrderedPool<Batch, [Made]>?
  private var batch = Batch()
  /// What the pool has made, in reverse order.
  private var made: [Made] = []
  let progress = Progress()
  private var waiting: [Step] = []
  /// Index of the first of `waiting` that has not ended.
  private var first = 0

  var isEmpty: Bool { first == waiting.count }
  var isFull: Bool { waiting.count - first >= Self.limit }
  var isLow: Bool { waiting.count - first <= Self.low }

  mutating func begin(with files: FileMaker) {
    pool = OrderedPool(threads: HostEnvironment.coreCount) { [progress] batch in
      batch.files.map { file in
        Made { () throws(CopyFailure) in
          try files.make(file.facts, in: file.host, forgetsLists: false) { progress.add($0) }
        }
      }
    }
  }

  /// What is not done will not be done; returns when no thread is at anything any more.
  mutating func abandon() {
    pool?.close(waits: true)
    pool = nil
    batch = Batch()
    made.removeAll()
    waiting.removeAll()
    first = 0
  }

  mutating func add(_ step: Step) throws(CopyFailure) {
    if case .file(let facts, let place) = step {
      batch.files.append((facts, try place.folder.folder()))
      batch.size = batch.size.addingReportingOverflow(facts.attributes.size).partialValue
      if batch.files.count >= Batch.longest || batch.size >= Batch.largest { handOn() }
    }
    waiting.append(step)
  }

  /// Lets go of a file that has its name, soon.
  mutating func release(_ file: NewFile) { batch.named.append(file) }

  private mutating func handOn() {
    guard !batch.files.isEmpty else { return }
    pool?.add(batch)
    batch = Batch()
  }

  mutating func next() -> Step? {
    guard !isEmpty else { return nil }
    let step = waiting[first]
    first += 1
    if first >= Self.limit || isEmpty {
      waiting.removeFirst(first)
      first = 0
    }
    return step
  }

  /// The file of the step that `next` has told, if that is one.
  mutating func file(whileWaiting: () -> Void) throws(CopyFailure) -> NewFile? {
    if made.isEmpty {
      if pool?.count == 0 { handOn() }
      made = pool?.next(whileWaiting: whileWaiting)?.reversed() ?? []
    }
    return try made.popLast()?.get()
  }
}

extension TreeCopy {
  /// Takes a step in its turn.
  func take(_ step: CopySteps.Step) throws(CopyFailure) {
    switch step {
    case .made where steps.isEmpty, .leave where steps.isEmpty: return try end(step)
    default: try steps.add(step)
    }
    guard steps.isFull else { return }
    while !steps.isLow, let step = steps.next() { try end(step) }
  }

  func finishSteps() throws(CopyFailure) {
    while let step = steps.next() { try end(step) }
    tell(steps.progress)
  }

  private func end(_ step: CopySteps.Step) throws(CopyFailure) {
    let progress = steps.progress
    tell(progress)
    switch step {
    case .file(let facts, let place):
      do throws(CopyFailure) {
        let file = try steps.file { tell(progress) }
        guard let file, let name = place.name else { return }
        try give(name, to: file, facts, in: place.folder)
        steps.release(file)
        observer.copied(place.path) { place.target }
      } catch { try report(error, place) }
    case .made(let place): observer.copied(place.path) { place.target }
    case .leave(let facts, let place):
      do throws(CopyFailure) { try end(place.folder, facts) } catch { try report(error, place) }
    }
  }

  private func tell(_ progress: CopySteps.Progress) {
    let copied = progress.take()
    if copied > 0 { observer.progressed(copied) }
  }
}
