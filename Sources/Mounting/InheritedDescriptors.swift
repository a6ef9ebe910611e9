internal import Glibc

/// Descriptors that a process was started with beside the standard three.
///
/// A server in the background must not keep them: whoever waits for the end of a pipe that its starter held would wait
/// for as long as the mount lives.
public struct InheritedDescriptors: Sendable {
  private let numbers: [CInt]

  /// What is open now. To be asked before anything else is opened.
  public static func now() -> InheritedDescriptors {
    // Safe: the stream is closed on every way out, and its entries are read before the next one is asked for.
    guard let stream = unsafe opendir("/proc/self/fd") else { return InheritedDescriptors(numbers: []) }
    defer { unsafe closedir(stream) }
    let own = unsafe dirfd(stream)
    var numbers: [CInt] = []
    while let entry = unsafe readdir(stream) {
      let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
      }
      if let number = CInt(name), number > STDERR_FILENO, number != own { numbers.append(number) }
    }
    return InheritedDescriptors(numbers: numbers)
  }

  func close() {
    for number in numbers { Glibc.close(number) }
  }
}
