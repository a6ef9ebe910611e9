internal import BlockDevices
internal import Bytes
internal import Codecs

extension QCOW2 {
  /// Where the compressed data of a unit lie ("Compressed Clusters Descriptor" in the specification): from a byte on, and
  /// up to the end of a sector. How many bytes of the last sector are of use, the data tell; behind the last cluster of a
  /// file, it need not be there.
  func compressedPlace(_ unit: UInt64) -> (offset: UInt64, count: UInt64) {
    // Bits of the offset, which is a byte's; what is above counts further sectors.
    let offsetBits = UInt64(62 - (header.clusterBits - 8))
    let offset = unit & ((1 << offsetBits) - 1)
    let sectors = (unit >> offsetBits) + 1
    return (offset, sectors * 512 - offset % 512)
  }

  func decode(_ unit: EncodedUnit, into out: inout OutputRawSpan) throws(ReadError) {
    let place = compressedPlace(unit.id)
    guard place.offset < device.size else { throw .corrupt("compressed cluster", at: place.offset) }
    // At most two clusters: the number of sectors has 13 bits where a cluster has 21.
    let count = min(place.count, device.size - place.offset)
    let bytes = try device.bytes(Int(count), at: place.offset)
    do throws(ReadError) {
      try header.codec.decode(bytes.rawSpan, count: unit.size, of: "compressed cluster", into: &out)
    } catch {
      throw ReadError(error.cause, error.subject, at: place.offset)
    }
  }
}
