internal import BlockDevices
internal import Bytes
internal import DiskImages
internal import FileSystems
internal import Synchronization
internal import SystemPackage

/// The further devices that filesystems in an image spread to: those that were named, in order, and else what lies beside
/// the image by the name that the filesystem has for it.
final class ExtraDevices: Sendable {
  private let given: [DiskImage]
  private let neighbours: ImageNeighbours

  private struct State {
    /// The highest number of those that were given which was asked for.
    var used = 0
    var notices: [String] = []
  }

  private let state = Mutex(State())

  /// - Parameter path: of the image.
  init(beside path: FilePath, options: ImageOptions) throws(StackError) {
    var given: [DiskImage] = []
    for file in options.devices {
      var plain = ImageOptions()
      plain.units = options.units
      do throws(ImageError) {
        given.append(try DiskImage(opening: file, options: plain))
      } catch { throw .cannotOpen(path, error) }
    }
    self.given = given
    neighbours = ImageNeighbours(of: path, options: options)
  }

  /// What could not be opened, and why, one clear line each.
  var notices: [String] { state.withLock { $0.notices } }

  /// nil where it was not given and does not lie beside the image.
  func find(_ device: ExtraDevice) -> (any BlockDevice)? {
    let index = device.number - 1
    if given.indices.contains(index) {
      state.withLock { $0.used = max($0.used, device.number) }
      return given[index].disk
    }
    guard let name = String(validating: device.tag, as: UTF8.self) else { return nil }
    do throws(ImageError) {
      return try neighbours.open(name)
    } catch {
      let name = Escaped.text(error.path?.string ?? name)
      state.withLock { $0.notices.append("further device \(device.number): \(name): \(error.text)") }
      return nil
    }
  }

  /// A device that nothing asked for is a mistake of whoever gave it.
  func checkUse(in path: FilePath) throws(StackError) {
    let used = state.withLock { $0.used }
    guard used < given.count else { return }
    throw .cannotOpen(
      path,
      ImageError(
        .usage("has no further device that \(Escaped.text(given[used].path.string)) could be"), in: path))
  }
}
