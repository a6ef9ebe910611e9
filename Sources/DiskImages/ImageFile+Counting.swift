internal import BlockDevices
internal import Bytes

extension ImageFile {
  /// How many of a table's 32-bit entries are of a kind. All of them are read: nil where they take more than 4 MiB.
  /// - Parameter isCounted: given a piece of the table, and at which byte of it the entry stands.
  func count(
    ofTableAt offset: UInt64, entries: UInt64,
    where isCounted: (RawSpan, Int) throws(ReadError) -> Bool
  ) throws(ImageError) -> UInt64? {
    guard entries <= 1 << 20 else { return nil }
    return try ImageError.wrapping { () throws(ReadError) in
      var counted: UInt64 = 0
      var done: UInt64 = 0
      while done < entries {
        let piece = min(entries - done, 1 << 14)
        let bytes = try device.bytes(Int(piece) * 4, at: offset.adding(done * 4, of: "table of clusters"))
        let span = bytes.rawSpan
        for index in 0..<Int(piece) where try isCounted(span, index * 4) { counted += 1 }
        done += piece
      }
      return counted
    }
  }
}
