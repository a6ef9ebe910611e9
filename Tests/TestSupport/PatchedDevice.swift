public import BlockDevices
public import Bytes

/// A device with some bytes other than those below: damage, without a copy of the image.
public final class PatchedDevice: MadeDevice {
  private let below: any BlockDevice
  private let patches: [(offset: UInt64, bytes: [UInt8])]

  /// - Precondition: each patch lies within the device.
  public init(_ below: any BlockDevice, patches: [(offset: UInt64, bytes: [UInt8])]) {
    precondition(patches.allSatisfy { below.contains(UInt64($0.bytes.count), at: $0.offset) })
    self.below = below
    self.patches = patches
  }

  public var size: UInt64 { below.size }

  public func read(_ count: Int, at offset: UInt64, into out: inout OutputRawSpan) throws(ReadError) {
    var bytes = try below.bytes(count, at: offset)
    for patch in patches {
      for (index, byte) in patch.bytes.enumerated() {
        let place = patch.offset + UInt64(index)
        if place >= offset && place - offset < UInt64(count) { bytes[Int(place - offset)] = byte }
      }
    }
    out.append(contentsOf: bytes.rawSpan)
  }
}
