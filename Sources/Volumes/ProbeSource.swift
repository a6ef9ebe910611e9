internal import BlockDevices
internal import Bytes
internal import CBlkid
internal import Glibc
internal import SystemPackage

/// A file descriptor through which libblkid can read a device: the host file where the device is a part of one; else a
/// sparse file in memory, of the device's size, with the device's head and tail.
final class ProbeSource {
  let descriptor: Int32
  /// Byte offset of the device in the file.
  let offset: UInt64
  /// Bytes of the device that the file really has: libblkid takes no more.
  let size: UInt64
  private let owned: FileDescriptor?
  /// Keeps its descriptor open.
  private let file: HostFile?

  deinit { try? owned?.close() }

  init?(_ device: any BlockDevice) {
    if let (file, offset) = Self.hostRange(of: device) {
      self.file = file
      self.offset = offset
      size = min(device.size, file.size - min(offset, file.size))
      descriptor = file.descriptor.rawValue
      owned = nil
    } else {
      guard let copy = Self.copyOfEnds(of: device) else { return nil }
      owned = copy
      descriptor = copy.rawValue
      file = nil
      offset = 0
      size = device.size
    }
  }

  /// The host file that `device` is a contiguous part of, and where.
  static func hostRange(of device: any BlockDevice) -> (HostFile, offset: UInt64)? {
    var device = device
    var offset: UInt64 = 0
    while true {
      if let file = device as? HostFile { return (file, offset) }
      guard let slice = device as? Slice else { return nil }
      let (sum, overflow) = offset.addingReportingOverflow(slice.start)
      guard !overflow else { return nil }
      offset = sum
      device = slice.base
    }
  }

  // Every signature that libblkid knows lies within these (LUKS2 has copies of its header up to 4 MiB; ZFS and RAID
  // put theirs in the last 512 KiB).
  private static let headSize: UInt64 = 4 << 20 | 64 << 10
  private static let tailSize: UInt64 = 1 << 20
  private static let pieceSize: UInt64 = 64 << 10

  private static func copyOfEnds(of device: any BlockDevice) -> FileDescriptor? {
    guard let size = off_t(exactly: device.size) else { return nil }
    let closeOnExec: UInt32 = 1  // MFD_CLOEXEC
    // Safe: a literal name and no pointer kept.
    let number = unsafe memfd_create("vitrine-probe", closeOnExec)
    guard number >= 0 else { return nil }
    let copy = FileDescriptor(rawValue: number)
    guard ftruncate(number, size) == 0 else {
      try? copy.close()
      return nil
    }
    let head = min(headSize, device.size)
    copyPieces(of: device, 0..<head, to: copy)
    copyPieces(of: device, max(head, device.size - min(tailSize, device.size))..<device.size, to: copy)
    return copy
  }

  private static func copyPieces(of device: any BlockDevice, _ range: Range<UInt64>, to copy: FileDescriptor) {
    var position = range.lowerBound
    var extents = HostExtentList(limit: 1, findsHostHoles: true)
    while position < range.upperBound {
      var count = min(pieceSize, range.upperBound - position)
      extents.removeAll()
      if (try? device.resolve(position..<range.upperBound, into: &extents)) != nil, let first = extents.extents.first,
        case .hole = first.kind
      {
        count = min(first.length, range.upperBound - position)
      } else if let bytes = try? device.bytes(Int(count), at: position) {
        // What cannot be read stays a hole: libblkid then finds nothing there, as it should.
        _ = try? copy.writeAll(toAbsoluteOffset: Int64(position), bytes)
      }
      position += count
    }
  }
}
