import Glibc

/// Ends the process by SIGPROF once it has used `seconds` of processor time from now on: a case that hangs. Processor
/// time, because a busy machine is no hang.
func limitProcessorTime(toSeconds seconds: Int) {
  var timer = itimerval()
  timer.it_value.tv_sec = seconds
  // Safe: the call reads one structure, and may write nothing.
  guard unsafe setitimer(__itimer_which_t(ITIMER_PROF.rawValue), &timer, nil) == 0 else {
    say("setitimer failed"); leave(4)
  }
}

/// Makes allocations fail beyond `bytes` of address space.
func limitAddressSpace(toBytes bytes: UInt) {
  var limit = rlimit(rlim_cur: bytes, rlim_max: bytes)
  // Safe: the call reads one structure.
  guard unsafe setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit) == 0 else {
    say("setrlimit failed"); leave(4)
  }
}

/// Bytes of memory that the process had in use at its peak.
func peakMemory() -> Int {
  var usage = rusage()
  // Safe: the call fills one structure.
  guard unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage) == 0 else { return 0 }
  return usage.ru_maxrss * 1024
}

func now() -> Double {
  var time = timespec()
  // Safe: the call fills one structure.
  unsafe clock_gettime(CLOCK_MONOTONIC, &time)
  return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

/// Writes a line to the standard error at once: it has to be there when the next instruction traps.
func say(_ line: String) {
  let bytes = Array((line + "\n").utf8)
  // Safe: the pointer is used only during the call, with the array's own count.
  unsafe bytes.withUnsafeBytes { buffer in _ = unsafe write(2, buffer.baseAddress, buffer.count) }
}

func leave(_ status: Int32) -> Never { exit(status) }
