internal import Glibc
internal import SystemPackage

/// A mount of this program's that is in the mount table.
public struct MountedImage: Sendable {
  public enum State: String, Sendable {
    case live
    /// Its server has ended without unmounting: all that is asked of the mount fails.
    case dead
  }

  /// The image's path; of a mount whose server cannot be asked, what the mount table has as the source.
  public let image: String
  public let mountPoint: String
  /// nil where the server cannot be asked.
  public let description: MountDescription?
  /// The server; nil where it cannot be asked.
  public let process: Int32?
  /// As findmnt(8) shows them: those of the mount, then those of its filesystem.
  public let options: String
  /// "fuse.vitrine", or as `-o subtype=` had it.
  public let type: String
  public let state: State

  /// All of them, in the order in which they were mounted.
  public static func all() throws(MountError) -> [MountedImage] {
    guard let table = MountTable.current() else { throw MountTable.missing }
    return table.entries.compactMap(MountedImage.init)
  }

  /// nil for a mount that is not this program's.
  init?(_ entry: MountTable.Entry) {
    guard entry.type.hasPrefix("fuse.") else { return nil }
    let mark = ReleaseMark(watching: entry)
    defer { mark?.close() }
    guard entry.type == "fuse.vitrine" || mark != nil else { return nil }
    description = mark?.description()
    process = mark.flatMap { $0.process > 0 ? $0.process : nil }
    image = description?.image ?? entry.source
    mountPoint = entry.mountPoint
    let own = entry.options.split(separator: ",")
    options = (own + entry.superOptions.split(separator: ",").filter { !own.contains($0) }).joined(separator: ",")
    type = entry.type
    state = mark == nil && MountPoint(mounted: entry.mountPoint).isDead ? .dead : .live
  }
}
