public import Bytes
public import DiskStack
internal import FileSystems
internal import Volumes

/// Why an image has nothing to show in the way that was asked for.
public enum ViewError: Error, Sendable {
  /// What was asked for contradicts itself, or the image: what to ask for instead.
  case usage(String)
  /// The volume's driver cannot read it.
  case unreadable(String, ReadError)
  /// There is no driver for what is there, or for a feature it uses.
  case unsupported(String)
  /// Nothing known is there.
  case unknown(String)
}

extension Tree {
  /// What is asked for of an image: where nothing is, a bare filesystem's files, or the view of a disk that has a
  /// partition table.
  /// - Parameters:
  ///   - view: nil to choose by what the image holds.
  ///   - selector: the one volume to show; nil for all, or for the only one.
  public convenience init(
    showing stack: DiskStack, view: View? = nil, volume selector: VolumeSelector? = nil
  ) throws(ViewError) {
    if selector != nil && view == .disk {
      throw .usage("a partition's files are asked for, and the whole disk; leave out --partition or --view disk")
    }
    let volume: Volume?
    if let selector {
      volume = try Self.select(selector, of: stack)
    } else if view == .filesystem {
      volume = try Self.only(of: stack)
    } else if view == nil && stack.table == nil {
      volume = stack.volumes.first
    } else {
      volume = nil
    }
    if let volume {
      self.init(of: try Self.fileSystem(of: volume))
    } else {
      self.init(ofDisk: stack)
    }
  }

  private static func select(_ selector: VolumeSelector, of stack: DiskStack) throws(ViewError) -> Volume {
    do { return try stack.volume(matching: selector) } catch { throw .usage(error.text) }
  }

  /// The one volume that has files.
  private static func only(of stack: DiskStack) throws(ViewError) -> Volume {
    let readable = stack.volumes.filter { $0.fileSystem != nil }
    if readable.count == 1, let only = readable.first { return only }
    if stack.table == nil, let only = stack.volumes.first { return only }
    if readable.isEmpty { throw .unsupported("no volume holds a filesystem that can be read; see vitrine inspect") }
    let names = readable.prefix(8).map { "\($0.number)" }.joined(separator: ", ")
    throw .usage("\(readable.count) volumes hold filesystems; choose one with --partition (\(names))")
  }

  private static func fileSystem(of volume: Volume) throws(ViewError) -> any FileSystem {
    let place = volume.number == 0 ? "" : "partition \(volume.number): "
    switch volume.contents {
    case .fileSystem(let fileSystem): return fileSystem
    case .unreadable(.unreadable(let error)): throw .unreadable("\(place)cannot read the filesystem: \(error)", error)
    case .unreadable(.unsupported(let features)):
      throw .unsupported("\(place)uses features that are not supported: \(features.joined(separator: ", "))")
    case .unreadable(.notRecognized), .unknown:
      throw .unknown("\(place)no known filesystem is in it; its raw bytes are shown by --view disk")
    case .unsupported(let hint):
      let name = volume.signature.map { "\($0.type) is in it: " } ?? ""
      throw .unsupported("\(place)\(name)\(hint)")
    case .container:
      throw .usage("\(place)is an extended partition, which only holds others; choose one of those")
    }
  }

  /// What a person should know of an image as it is shown, one line each.
  public static func warnings(about stack: DiskStack) -> [String] {
    var lines = stack.notices + (stack.table?.notices ?? [])
    for volume in stack.volumes {
      var own = volume.notices
      switch volume.contents {
      case .fileSystem(let fileSystem): own += fileSystem.summary.notices
      case .unreadable(.unreadable(let error)): own.append("its files are not shown: \(error)")
      case .unreadable(.unsupported(let features)):
        own.append("its files are not shown: features not supported: \(features.joined(separator: ", "))")
      default: break
      }
      lines += volume.number == 0 ? own : own.map { "\(volume.name): \($0)" }
    }
    return lines
  }
}
