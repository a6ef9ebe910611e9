internal import FileSystems
internal import SystemPackage

/// A folder that is copied into: its place below the folder that a person has named, and what was put into it.
///
/// It is found again by its names from there, one by one and never through a symbolic link, so that a tree may be deeper
/// than there are descriptors.
final class TargetFolder {
  let parent: TargetFolder?
  let name: [UInt8]
  /// Whether it was made by this copy: then all that is in it was, too.
  let isNew: Bool
  private let identity: HostFacts.Identity
  /// Open as long as it is one of the innermost.
  private var open: HostFolder?
  /// In a folder that was there before: what this copy has put into it.
  private var placed: Set<HostFacts.Identity> = []

  /// Where the placed ones are not counted any more, what is there is not replaced.
  private static let placedLimit = 1 << 20

  init(_ folder: HostFolder, named name: [UInt8], in parent: TargetFolder?, isNew: Bool) throws(Errno) {
    self.parent = parent
    self.name = name
    self.isNew = isNew
    identity = try folder.facts().identity
    open = folder
  }

  func folder() throws(CopyFailure) -> HostFolder {
    if let open { return open }
    // From the next one above that is open, down again.
    var closed = [self]
    var above = parent
    while let folder = above, folder.open == nil {
      closed.append(folder)
      above = folder.parent
    }
    guard var current = above?.open else { throw .folderChanged }
    for folder in closed.reversed() {
      do throws(Errno) {
        current = try current.folder(folder.name)
        guard try current.facts().identity == folder.identity else { throw .staleNFSFileHandle }
      } catch { throw .folderChanged }
    }
    open = current
    return current
  }

  /// Lets go of the descriptor; the outermost keeps it.
  func close() {
    if parent != nil { open = nil }
  }

  func note(_ identity: HostFacts.Identity) {
    if !isNew && placed.count < Self.placedLimit { placed.insert(identity) }
  }

  /// Whether what is there under some name may be replaced: not what this copy has put there.
  func mayReplace(_ identity: HostFacts.Identity) -> Bool {
    !isNew && placed.count < Self.placedLimit && !placed.contains(identity)
  }

  /// Names from the outermost folder on, with one slash between them however that folder was written.
  var path: [UInt8] {
    var names: [[UInt8]] = []
    var folder: TargetFolder? = self
    while let current = folder {
      names.append(current.name)
      folder = current.parent
    }
    let slash = UInt8(ascii: "/")
    var outermost = names.removeLast()[...]
    while outermost.last == slash { outermost.removeLast() }
    names.append(Array(outermost))
    let path = Array(names.reversed().joined(separator: [slash]))
    return path.isEmpty ? [slash] : path
  }
}
