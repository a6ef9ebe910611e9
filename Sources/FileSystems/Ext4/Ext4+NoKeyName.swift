internal import Bytes

/// Names in encrypted directories, as Linux shows them without the key: Documentation/filesystems/fscrypt.rst,
/// "Without the key", and `struct fscrypt_nokey_name`.
///
///     hash:4 | minor hash:4 | the first 149 bytes of the encrypted name | SHA-256 of what comes behind these
///
/// in base64url without padding. Nothing comes behind where the name is not longer.
extension Ext4 {
  struct NoKeyName: Equatable {
    private let major: UInt32
    private let minor: UInt32
    private let start: [UInt8]
    private let digest: [UInt8]

    private static let startLimit = 149
    private static let digestSize = 32
    /// FSCRYPT_FNAME_MIN_MSG_LEN: the cipher's block.
    private static let minimumEncryptedLength = 16

    /// - Throws: `.corrupt` where `encrypted` is shorter than any encrypted name.
    init(of encrypted: RawSpan, major: UInt32, minor: UInt32) throws(ReadError) {
      guard encrypted.byteCount >= Self.minimumEncryptedLength else { throw .corrupt("encrypted name") }
      self.major = major
      self.minor = minor
      start = try encrypted.bytes(0, count: min(encrypted.byteCount, Self.startLimit))
      digest = try Self.digest(of: encrypted)
    }

    private static func digest(of encrypted: RawSpan) throws(ReadError) -> [UInt8] {
      guard encrypted.byteCount > startLimit else { return [] }
      return SHA256.digest(of: try encrypted.slice(startLimit, count: encrypted.byteCount - startLimit))
    }

    /// Nil where no encrypted name is shown as `shown`.
    init?(decoding shown: RawSpan) {
      guard let bytes = Base64URL.decoded(shown), bytes.count > 8,
        bytes.count <= 8 + Self.startLimit || bytes.count == 8 + Self.startLimit + Self.digestSize,
        let major = try? bytes.rawSpan.le32(0), let minor = try? bytes.rawSpan.le32(4)
      else { return nil }
      self.major = major
      self.minor = minor
      start = Array(bytes.dropFirst(8).prefix(Self.startLimit))
      digest = Array(bytes.dropFirst(8 + Self.startLimit))
    }

    var shown: [UInt8] { Base64URL.encoded(major.littleEndianBytes + minor.littleEndianBytes + start + digest) }

    /// The hash by which an index knows the name.
    func hash(_ version: HashVersion, seed: (UInt32, UInt32, UInt32, UInt32)) -> UInt32 {
      // Without the whole name it cannot be computed, and for SipHash not without the key.
      guard digest.isEmpty, let hash = NameHash.of(start.rawSpan, version: version, seed: seed) else { return major }
      return hash.major
    }

    func matches(_ encrypted: RawSpan) -> Bool {
      if digest.isEmpty { return encrypted.equals(start.rawSpan) }
      guard let other = try? NoKeyName(of: encrypted, major: major, minor: minor) else { return false }
      return self == other
    }
  }

  /// How the names of one encrypted directory are shown.
  struct NoKeyNames {
    private let directory: Directory
    /// Nil where Linux lists the directory without hashes, and shows them as zeros.
    private let hashVersion: HashVersion?
    private let seed: (UInt32, UInt32, UInt32, UInt32)

    /// Nil for a directory that is not encrypted.
    init?(of directory: Directory, in fileSystem: Ext4) throws(ReadError) {
      guard directory.isEncrypted else { return nil }
      self.directory = directory
      seed = fileSystem.superblock.hashSeed
      hashVersion = try fileSystem.listedHashVersion(of: directory)
    }

    /// - Parameter span: what `entry` lies in.
    func name(for encrypted: RawSpan, _ entry: RawEntry, in span: RawSpan) throws(ReadError) -> [UInt8] {
      var (major, minor): (UInt32, UInt32) = (0, 0)
      if directory.hasHashes {
        let offset = (entry.nameOffset + entry.nameLength + 3) & ~3
        (major, minor) = (try span.le32(offset, of: "directory"), try span.le32(offset + 4, of: "directory"))
      } else if let hashVersion, let hash = NameHash.of(encrypted, version: hashVersion, seed: seed) {
        (major, minor) = (hash.major, hash.minor)
      }
      return try NoKeyName(of: encrypted, major: major, minor: minor).shown
    }
  }

  /// The hash that Linux orders a directory's entries by when it lists them, if it does.
  private func listedHashVersion(of directory: Directory) throws(ReadError) -> HashVersion? {
    guard superblock.compatible.contains(.directoryIndex) else { return nil }
    if directory.hasIndex, directory.inode.storage != .inline, let place = try block(0, of: directory.inode) {
      let block = try directoryBlock(0, at: place, of: directory)
      return hashVersion(try block.rawSpan.u8(28), in: directory)
    }
    guard directory.inode.storage == .inline || blockCount(of: directory) == 1 else { return nil }
    return hashVersion(superblock.defaultHashVersion, in: directory)
  }
}

extension UInt32 {
  fileprivate var littleEndianBytes: [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: self >> ($0 * 8)) } }
}

/// RFC 4648, section 5, without padding.
private enum Base64URL {
  private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
  private static let values: [UInt8: UInt32] = Dictionary(
    uniqueKeysWithValues: alphabet.enumerated().map { ($0.element, UInt32($0.offset)) })

  static func encoded(_ bytes: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(bytes.count * 4 / 3 + 1)
    var bits: UInt32 = 0
    var count: UInt32 = 0
    for byte in bytes {
      bits = bits << 8 | UInt32(byte)
      count += 8
      while count >= 6 {
        count -= 6
        result.append(alphabet[Int(bits >> count & 63)])
      }
    }
    if count > 0 { result.append(alphabet[Int(bits << (6 - count) & 63)]) }
    return result
  }

  static func decoded(_ text: RawSpan) -> [UInt8]? {
    var result: [UInt8] = []
    var bits: UInt32 = 0
    var count: UInt32 = 0
    for index in 0..<text.byteCount {
      guard let value = values[text[index]] else { return nil }
      bits = bits << 6 | value
      count += 6
      if count >= 8 {
        count -= 8
        result.append(UInt8(truncatingIfNeeded: bits >> count))
      }
    }
    return bits & ((1 << count) - 1) == 0 ? result : nil
  }
}
