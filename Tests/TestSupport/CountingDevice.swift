public import BlockDevices
public import Bytes
internal import Synchronization

/// A device that counts what is read of the one below.
public final class CountingDevice: BlockDevice {
  private let below: any BlockDevice
  private let counts = Mutex<(reads: Int, bytes: Int)>((0, 0))

  public init(_ below: any BlockDevice) { self.below = below }

  public var size: UInt64 { below.size }
  public var readCount: Int { counts.withLock { $0.reads } }
  public var byteCount: Int { counts.withLock { $0.bytes } }

  public func reset() { counts.withLock { $0 = (0, 0) } }

  public func read(_ count: Int, at offset: UInt64, into out: inout OutputRawSpan) throws(ReadError) {
    counts.withLock {
      $0.reads += 1
      $0.bytes += count
    }
    try below.read(count, at: offset, into: &out)
  }

  public func resolve(_ range: Range<UInt64>, into extents: inout HostExtentList) throws(ReadError) {
    try below.resolve(range, into: &extents)
  }
}
