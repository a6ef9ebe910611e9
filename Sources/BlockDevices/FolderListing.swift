internal import Glibc
public import SystemPackage

/// The names in a folder of the host.
public enum FolderListing {
  /// Names that end in `suffix` (in any case), sorted, at most `limit` of all that are there. Empty where the folder
  /// cannot be read.
  public static func names(in folder: FilePath, endingIn suffix: String, limit: Int) -> [FilePath.Component] {
    // Safe: the stream is closed below and used by nobody else; an entry is read before the next one is asked for.
    guard let stream = unsafe folder.withPlatformString({ unsafe opendir($0) }) else { return [] }
    defer { unsafe closedir(stream) }
    var names: [FilePath.Component] = []
    while names.count < limit, let entry = unsafe readdir(stream) {
      let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(platformString: $0) }
      }
      if name.lowercased().hasSuffix(suffix), let component = FilePath.Component(name) { names.append(component) }
    }
    return names.sorted { $0.string < $1.string }
  }
}
