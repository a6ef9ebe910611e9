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
    return folder.path + [UInt8(ascii: "/")] + name
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

  private struct Task: Sendable {
    let facts: NodeFacts
    let host: HostFolder
  }

  /// Descriptors and memory that a copy takes are bounded by these; so many at a time that threads seldom wait.
  private static let limit = 96
  private static let low = 48

  /// Bytes of contents that the threads have copied, and that nobody has been told of.
  private final class Progress: Sendable { let bytes = Atomic<UInt64>(0) }

  private var pool: OrderedPool<Task, Result<NewFile, CopyFailure>>?
  private let progress = Progress()
  private var waiting: [Step] = []
  /// Index of the first of `waiting` that has not ended.
  private var first = 0

  var isEmpty: Bool { first == waiting.count }
  var isFull: Bool { waiting.count - first >= Self.limit }
  var isLow: Bool { waiting.count - first <= Self.low }

  mutating func begin(with files: FileMaker) {
    pool = OrderedPool(threads: HostEnvironment.coreCount) { [progress] task in
      Result { () throws(CopyFailure) in
        try files.make(task.facts, in: task.host, forgetsLists: false) {
          progress.bytes.wrappingAdd($0, ordering: .relaxed)
        }
      }
    }
  }

  /// Bytes that the threads have copied, or left out as holes, since this was asked last.
  func takeProgress() -> UInt64 { progress.bytes.exchange(0, ordering: .relaxed) }

  /// What is not done will not be done; returns when no thread is at anything any more.
  mutating func abandon() {
    pool?.close(waits: true)
    pool = nil
    waiting.removeAll()
    first = 0
  }

  mutating func add(_ step: Step) throws(CopyFailure) {
    if case .file(let facts, let place) = step { pool?.add(Task(facts: facts, host: try place.folder.folder())) }
    waiting.append(step)
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
  func file(whileWaiting: () -> Void) throws(CopyFailure) -> NewFile? {
    try pool?.next(whileWaiting: whileWaiting)?.get()
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
    tellProgress()
  }

  private func end(_ step: CopySteps.Step) throws(CopyFailure) {
    tellProgress()
    switch step {
    case .file(_, let place):
      do throws(CopyFailure) {
        let file = try steps.file { tellProgress() }
        guard let file, let name = place.name else { return }
        try give(name, to: file, in: place.folder)
        observer.copied(place.path) { place.target }
      } catch { try report(error, place) }
    case .made(let place): observer.copied(place.path) { place.target }
    case .leave(let facts, let place):
      do throws(CopyFailure) { try end(place.folder, facts) } catch { try report(error, place) }
    }
  }

  private func tellProgress() {
    let copied = steps.takeProgress()
    if copied > 0 { observer.progressed(copied) }
  }
}
