internal import BlockDevices
internal import CFuse
internal import Glibc
internal import Logging
internal import Synchronization

extension Session {
  /// Of the idle time, for how long the kernel may keep names and attributes: a use of the mount that the kernel answers
  /// by itself is noticed by no more than this too late.
  static let idleFraction = 8.0

  /// Unmounts when there has been no request for `seconds` and nothing is in use.
  ///
  /// That nothing is open, and nobody stands in the mount, is the kernel's word: it refuses to unmount otherwise. Of what
  /// it answers from its caches nothing comes here, so while this is on names and attributes are kept for a part of the
  /// time only, and each opening of a file or folder is asked for.
  func unmountWhenIdle(for seconds: Double) {
    let point = mountPoint
    // What the kernel may keep counts as used for as long as it may.
    let limit = seconds * (1 + 1 / Self.idleFraction)
    let pause = min(max(seconds / Self.idleFraction, 0.02), 10)
    _ = Thread.start { [weak self] in
      var requests: UInt64?
      var lastUse = Self.now
      while let current = self?.requestCount {
        if current != requests {
          requests = current
          lastUse = Self.now
        } else if Self.now - lastUse >= limit {
          switch point.unmountIfUnused() {
          case .unmounted: return
          case .inUse: lastUse = Self.now
          case .failed:
            self?.log.warning("cannot unmount \(point.path), which is idle")
            return
          }
        }
        usleep(useconds_t(pause * 1e6))
      }
    }
  }

  /// What has been asked so far, closing included: only that it changes counts.
  private var requestCount: UInt64 {
    let keys: [Counters.Key] = [
      .lookup, .attributes, .link, .open, .read, .list, .listPlus, .statistics, .extendedAttribute, .seek,
    ]
    return keys.reduce(releases.load(ordering: .relaxed)) { $0 &+ counters[$1] }
  }

  /// Seconds of a clock that nobody sets, and that goes on while the system sleeps.
  private static var now: Double {
    var time = timespec()
    // Safe: the call fills a `timespec`.
    unsafe clock_gettime(CLOCK_BOOTTIME, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }
}
