internal import Browsing
internal import Bytes
internal import Copying
internal import FileSystems
internal import SystemPackage

/// A line on a terminal's standard error that says how far a copy is, how fast it goes and how long it will take.
final class Progress {
  private let total: UInt64
  private var done: UInt64 = 0
  private let start = ContinuousClock.now
  private var lastShown: ContinuousClock.Instant
  private var unlooked: UInt64 = 0
  private var calls = 0
  private var isVisible = false

  /// Whether standard error is a terminal.
  static var isShown: Bool { HostEnvironment.standardErrorIsTerminal }

  private static let interval = Duration.milliseconds(200)

  /// - Parameter total: bytes.
  init(total: UInt64) {
    self.total = total
    // What is done in a moment needs no line.
    lastShown = start + .milliseconds(300)
  }

  func advance(by bytes: UInt64) {
    done &+= bytes
    unlooked &+= bytes
    calls += 1
    // Asking for the time costs little, and files may be tiny.
    guard unlooked >= 4 << 20 || calls >= 32 else { return }
    unlooked = 0
    calls = 0
    let now = ContinuousClock.now
    guard now - lastShown >= Self.interval else { return }
    lastShown = now
    show(now)
  }

  private func show(_ now: ContinuousClock.Instant) {
    let text = Self.text(
      done: done, total: total, elapsed: now - start, width: HostEnvironment.errorTerminalWidth ?? 80)
    isVisible = true
    write("\r\(text)\u{1B}[K")
  }

  /// Takes the line away, for another one to be printed in its place.
  func clear() {
    if isVisible { write("\r\u{1B}[K") }
    isVisible = false
  }

  func finish() { clear() }

  private func write(_ text: String) { _ = try? FileDescriptor.standardError.writeAll(text.utf8) }

  /// " 42% [========>           ]  1.2G of 2.9G  310M/s  0:05 left"
  static func text(done: UInt64, total: UInt64, elapsed: Duration, width: Int) -> String {
    let total = max(total, done)
    let part = total == 0 ? 1 : Double(done) / Double(total)
    let seconds = Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) / 1e18
    let rate = seconds > 0 ? Double(done) / seconds : 0
    let percent = String(Int(part * 100))
    var end = "  \(HumanSize.text(done)) of \(HumanSize.text(total))  \(HumanSize.text(UInt64(rate)))/s"
    if rate > 0 { end += "  \(time(Double(total - done) / rate)) left" }
    let front = String(repeating: " ", count: 3 - min(percent.count, 3)) + percent + "% "
    let room = width - 1 - front.count - end.count - 2
    guard room >= 8 else { return String((front + end).prefix(max(width - 1, 0))) }
    let filled = Int(part * Double(room))
    let bar = String(repeating: "=", count: filled) + (filled < room ? ">" : "")
    return front + "[" + bar + String(repeating: " ", count: room - bar.count) + "]" + end
  }

  /// "0:05", "12:00", "1:02:03"
  private static func time(_ seconds: Double) -> String {
    let seconds = Int(min(seconds.rounded(.up), 359_999))
    let hours = seconds / 3600
    let minutes = TimeText.padded(seconds / 60 % 60, hours > 0 ? 2 : 1)
    return (hours > 0 ? "\(hours):" : "") + "\(minutes):\(TimeText.padded(seconds % 60, 2))"
  }
}

/// Bytes of what is about to be copied.
struct CopySize {
  private(set) var bytes: UInt64 = 0

  /// Goes through all of it: for who wants to see how far a copy is.
  init(of starts: [OpenedImages.Start], _ copyOptions: CopyOptions) {
    for start in starts {
      var options = TreeWalk.Options()
      if !copyOptions.isRecursive { options.maximumDepth = 0 }
      if copyOptions.followsLinks { options.links = .followed }
      var seen = SeenLinks()
      var walk = TreeWalk(of: start.image.tree, from: start.facts, named: [], options: options)
      while let event = walk.next(), !Interruption.isNoted {
        guard case .node(let node) = event, let facts = node.facts, node.type == .regular, seen.isNew(facts) else {
          continue
        }
        let (sum, overflow) = bytes.addingReportingOverflow(facts.attributes.size)
        bytes = overflow ? .max : sum
      }
    }
  }
}
