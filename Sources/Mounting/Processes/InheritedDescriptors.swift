internal import Glibc

/// The descriptors that this process was started with, beside the standard three.
///
/// A server in the background must let go of them: who waits for the other end of a pipe, or for a lock, would
/// otherwise wait for as long as the mount stays.
public struct InheritedDescriptors: Sendable {
  private var descriptors: [CInt]

  /// Looks what there is; to be called before anything is opened.
  public init() {
    // Safe: a C string.
    guard let folder = unsafe opendir("/proc/self/fd") else {
      descriptors = []
      return
    }
    // Safe: the folder is open until the end.
    defer { unsafe closedir(folder) }
    let own = unsafe dirfd(folder)
    var found: [CInt] = []
    while let entry = unsafe readdir(folder) {
      // Safe: an entry is valid until the next call.
      if let number = CInt(unsafe FolderEntry.name(entry)), number > STDERR_FILENO, number != own {
        found.append(number)
      }
    }
    descriptors = found
  }

  /// Has one of them stay open.
  public mutating func keep(_ descriptor: ReadyDescriptor) { descriptors.removeAll { $0 == descriptor.number } }

  func close() {
    for descriptor in descriptors { Glibc.close(descriptor) }
  }
}
