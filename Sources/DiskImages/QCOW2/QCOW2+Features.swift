internal import Bytes

extension QCOW2 {
  /// Incompatible features that are known, by their bits.
  enum Feature: Int, CaseIterable {
    /// Reference counts may be stale.
    case dirty = 0
    /// A program found damage, and has not repaired it.
    case corrupt = 1
    /// Clusters of data lie in a file of their own.
    case dataFile = 2
    /// The header has a type of compression other than 0.
    case compressionType = 3
    /// L2 entries have 16 bytes, and tell of the 32 parts of a cluster.
    case extendedEntries = 4
  }
}

extension QCOW2.Header {
  func has(_ feature: QCOW2.Feature) -> Bool { incompatibleFeatures >> feature.rawValue & 1 != 0 }

  /// Whoever does not know an incompatible feature must not read the image.
  func refuseUnknownFeatures(_ extensions: QCOW2.Extensions) throws(ImageError) {
    var unknown: [String] = []
    for bit in 0..<64 where incompatibleFeatures >> bit & 1 != 0 && QCOW2.Feature(rawValue: bit) == nil {
      unknown.append(extensions.incompatibleNames[bit].map { "“\(Escaped.text($0))”" } ?? "number \(bit)")
    }
    guard unknown.isEmpty else {
      throw .unsupported(
        "uses \(unknown.count == 1 ? "a feature" : "features") unknown to this program: "
          + unknown.joined(separator: ", "))
    }
    switch encryption {
    case 0: break
    case 1: throw .unsupported("is encrypted (AES, as older versions of QEMU had it), which is not supported")
    case 2: throw .unsupported("is encrypted (LUKS), which is not supported")
    default: throw .unsupported("is encrypted by a method unknown to this program: number \(encryption)")
    }
    guard compressionType <= 1 else {
      throw .unsupported("is compressed by a method unknown to this program: number \(compressionType)")
    }
    guard has(.compressionType) == (compressionType != 0) else {
      throw .damaged("has a type of compression, \(compressionType), that its features contradict")
    }
    guard !has(.extendedEntries) || clusterBits >= 14 else {
      throw .damaged("has extended L2 entries with clusters of less than 16 KiB")
    }
  }
}
