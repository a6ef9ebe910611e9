public import BlockDevices
public import Bytes
internal import CDigest

/// The digests that contents can be told apart by, named as mtree(5) and sha256sum(1) have them.
public enum DigestAlgorithm: String, Sendable, CaseIterable {
  case sha256, sha384, sha512
}

/// The digest of a file's contents, read piece by piece.
public enum ContentDigest {
  private static let pieceSize = 256 << 10

  /// - Returns: 32, 48 or 64 bytes; nil where somebody wants an end.
  public static func digest(
    of file: any BlockDevice, _ algorithm: DigestAlgorithm
  ) throws(ReadError) -> [UInt8]? {
    var context = SHA2_CTX()
    // Safe, here and below: the context is a local that nothing keeps, and lengths are told.
    switch algorithm {
    case .sha256: unsafe SHA256Init(&context)
    case .sha384: unsafe SHA384Init(&context)
    case .sha512: unsafe SHA512Init(&context)
    }
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: pieceSize, alignment: 4096)
    defer { unsafe memory.deallocate() }
    var position: UInt64 = 0
    while position < file.size {
      if Interruption.isNoted { return nil }
      let count = Int(min(UInt64(pieceSize), file.size - position))
      let room = unsafe UnsafeMutableRawBufferPointer(rebasing: memory[..<count])
      var out = unsafe OutputRawSpan(buffer: room, initializedCount: 0)
      try file.read(count, at: position, into: &out)
      guard unsafe out.finalize(for: room) == count else { throw .corrupt("data", at: position) }
      let bytes = unsafe room.baseAddress?.assumingMemoryBound(to: UInt8.self)
      switch algorithm {
      case .sha256: unsafe SHA256Update(&context, bytes, count)
      case .sha384: unsafe SHA384Update(&context, bytes, count)
      case .sha512: unsafe SHA512Update(&context, bytes, count)
      }
      position += UInt64(count)
    }
    var digest: [UInt8]
    switch algorithm {
    case .sha256:
      digest = [UInt8](repeating: 0, count: 32)
      unsafe SHA256Final(&digest, &context)
    case .sha384:
      digest = [UInt8](repeating: 0, count: 48)
      unsafe SHA384Final(&digest, &context)
    case .sha512:
      digest = [UInt8](repeating: 0, count: 64)
      unsafe SHA512Final(&digest, &context)
    }
    return digest
  }
}
