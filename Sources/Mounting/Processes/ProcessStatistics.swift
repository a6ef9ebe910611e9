internal import CFuse
internal import Glibc

/// What this process has cost so far.
public enum ProcessStatistics {
  /// One `key value` line for each number, in an order that never changes.
  public static var lines: [String] {
    var usage = rusage()
    // Safe: `usage` is a rusage.
    guard unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage) == 0 else { return [] }
    let microseconds =
      (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1_000_000 + usage.ru_utime.tv_usec + usage.ru_stime.tv_usec
    return ["cpu_microseconds \(microseconds)", "peak_memory_kib \(usage.ru_maxrss)"]
  }
}
