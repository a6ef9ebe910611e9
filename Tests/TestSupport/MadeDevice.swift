public import BlockDevices
public import Bytes

/// A device whose bytes are on no host file: `read` makes them.
public protocol MadeDevice: BlockDevice, UnitDecoder {}

extension MadeDevice {
  public func resolve(_ range: Range<UInt64>, into extents: inout HostExtentList) throws(ReadError) {
    var position = range.lowerBound
    while position < range.upperBound && !extents.isFull {
      let length = min(range.upperBound - position, 1 << 20)
      let unit = EncodedUnit(position, size: Int(length))
      extents.append(.encoded(DecodableUnit(unit, of: self, in: nil), skip: 0), length: length)
      position += length
    }
  }

  public func decode(_ unit: EncodedUnit, into out: inout OutputRawSpan) throws(ReadError) {
    try read(unit.size, at: unit.id, into: &out)
  }
}
