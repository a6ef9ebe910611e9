internal import CDigest

/// SHA-256 (FIPS 180-4), by libmd.
public enum SHA256 {
  /// The 32 bytes of the digest of `span`.
  public static func digest(of span: RawSpan) -> [UInt8] {
    var context = SHA2_CTX()
    var digest = [UInt8](repeating: 0, count: 32)
    // Safe: the span's bytes are there for the length of the call, the digest has room for all of it, and the context
    // is a local that nothing keeps.
    unsafe SHA256Init(&context)
    unsafe span.withUnsafeBytes { bytes in
      unsafe SHA256Update(&context, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count)
    }
    unsafe SHA256Final(&digest, &context)
    return digest
  }
}
