internal import CTestSupport

/// SHA-256, by libcrypto: fast enough in a debug build for whole images.
@safe public struct ContentHash: ~Copyable {
  private let state: OpaquePointer

  public init() {
    // Safe: made here, and freed by `finish` or `deinit`, one of which runs exactly once.
    unsafe state = test_sha256_begin()
  }

  deinit {
    var rest = [UInt8](repeating: 0, count: 32)
    unsafe test_sha256_finish(state, &rest)
  }

  public mutating func update(_ bytes: [UInt8]) {
    // Safe: the count is the array's own.
    unsafe test_sha256_update(state, bytes, bytes.count)
  }

  /// Lower-case hexadecimal.
  public consuming func finish() -> String {
    var digest = [UInt8](repeating: 0, count: 32)
    unsafe test_sha256_finish(state, &digest)
    discard self
    return digest.hexadecimal
  }

  public static func hash(_ bytes: [UInt8]) -> String {
    var hash = ContentHash()
    hash.update(bytes)
    return hash.finish()
  }
}

extension [UInt8] {
  public var hexadecimal: String {
    let digits = Array<UInt8>("0123456789abcdef".utf8)
    var text: [UInt8] = []
    text.reserveCapacity(count * 2)
    for byte in self {
      text.append(digits[Int(byte >> 4)])
      text.append(digits[Int(byte & 15)])
    }
    return String(decoding: text, as: UTF8.self)
  }
}
