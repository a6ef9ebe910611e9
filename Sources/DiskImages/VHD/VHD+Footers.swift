internal import BlockDevices
internal import Bytes

extension VHD {
  /// The footers at both ends of a file.
  struct Footers {
    /// The one at the end, which counts.
    let last: Footer?
    /// The copy at the start, which dynamic and differencing images have.
    let first: Footer?
    /// Bytes of the file.
    private let size: UInt64

    /// - Parameters:
    ///   - head: at least the first 512 bytes of the file, where it has as many.
    ///   - tail: the last 512 bytes.
    init(head: [UInt8], tail: [UInt8], size: UInt64) {
      self.size = size
      first = Footer(Array(head.prefix(Footer.size)))
      last = Footer(tail) ?? Footer(Array(tail.suffix(Footer.oldSize)))
    }

    /// The one to go by.
    /// - Throws: `.damaged` where there is none, `.checksum` where there is none that is intact.
    func chosen() throws(ImageError) -> Footer {
      if let last, last.isIntact { return last }
      if let first, first.isIntact { return first }
      guard last ?? first != nil else {
        throw .damaged("has no VHD footer at its end, nor the copy of one at its start")
      }
      throw ImageError(.unreadable(.checksum("VHD footer", at: last == nil ? 0 : dataEnd)))
    }

    /// Where the data end: before the footer, where one is there.
    var dataEnd: UInt64 { size - UInt64(last?.storedSize ?? 0) }

    /// What is wrong with one of them, where the other is good.
    var notices: [String] {
      if let last, last.isIntact {
        guard last.type != .fixed else { return [] }
        guard let first, first.isIntact else { return ["the copy of its footer at its start is damaged"] }
        return first.agrees(with: last)
          ? [] : ["the copy of its footer at its start differs from the footer, and is not used"]
      }
      return [
        last == nil
          ? "its footer is missing: it was cut short, or not finished; the copy at its start is used"
          : "its footer is damaged; the copy at its start is used"
      ]
    }

    /// Whether the file is a VHD, and no raw disk in which one happens to lie.
    ///
    /// A fixed VHD is a raw disk with a footer behind it, so that only a footer which tells the size of just what is
    /// before it is one: a raw disk must not be cut. The others have their header at the start too.
    func isOfVHD(_ probe: ImageProbe) -> Bool {
      if let first, !first.isIntact || first.type != .fixed { return true }
      guard let last, last.isIntact else { return false }
      switch last.type {
      case .fixed: return last.currentSize == dataEnd || last.geometrySize == dataEnd
      case .dynamic, .differencing:
        guard let offset = Int(exactly: last.headerOffset), offset < probe.head.count else { return false }
        return probe.has("cxsparse", at: offset)
      case nil: return false
      }
    }
  }
}
