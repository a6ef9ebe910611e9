public import BlockDevices
internal import Bytes
internal import Synchronization

/// A device shown as a file of its raw bytes.
public final class RawDeviceNode: Sendable {
  public let device: any BlockDevice
  private let counted = Mutex<UInt64?>(nil)

  init(_ device: any BlockDevice) { self.device = device }

  /// How many extents are looked at before the rest is taken to be stored.
  private static let walkLimit = 16_384

  /// Bytes that are stored, holes of the image file left out: found once, when somebody asks.
  var allocatedSize: UInt64 {
    if let known = counted.withLock({ $0 }) { return known }
    let size = count()
    counted.withLock { $0 = size }
    return size
  }

  private func count() -> UInt64 {
    var stored: UInt64 = 0
    var position: UInt64 = 0
    var seen = 0
    var extents = HostExtentList(findsHostHoles: true)
    while position < device.size && seen < Self.walkLimit {
      extents.removeAll()
      do { try device.resolve(position..<device.size, into: &extents) } catch { break }
      guard extents.length > 0 else { break }
      for extent in extents.extents {
        if case .hole = extent.kind { continue }
        stored += extent.length
      }
      seen += extents.extents.count
      position += extents.length
    }
    return stored + (device.size - min(position, device.size))
  }
}
