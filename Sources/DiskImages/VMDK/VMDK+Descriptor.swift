internal import Bytes

extension VMDK {
  /// The text that describes a disk ("Virtual Disk Format 5.0", "The Descriptor File"): lines of `key=value`, and one
  /// line for each extent.
  struct Descriptor: Sendable {
    /// Changes with each first write after opening; hexadecimal in the text.
    private(set) var contentID: UInt32?
    /// The content ID of the parent when this disk was made on it; `noParent` for a disk without one.
    private(set) var parentContentID: UInt32?
    private(set) var createType: String?
    /// What the parent's descriptor is called.
    private(set) var parentName: String?
    private(set) var extents: [ExtentLine] = []
    /// Of the "disk database", what somebody asks for: keys in lower case, without their `ddb.`.
    private(set) var database: [String: String] = [:]

    static let noParent: UInt32 = 0xFFFF_FFFF
    /// Bytes. Real ones have hundreds; the largest known, of thousands of extents, some hundred thousand.
    static let sizeLimit: UInt64 = 1 << 20
    /// Extents at most: twice as many as there can be files.
    static let extentLimit = 2 * ImageOpening.fileLimit
    private static let databaseKeys: Set<String> = [
      "adaptertype", "toolsversion", "uuid", "uuid.image", "virtualhwversion",
    ]

    var hasParent: Bool { parentName != nil || (parentContentID ?? Self.noParent) != Self.noParent }

    /// Whether a file that begins with `head` is a descriptor: the usual comment comes first, or comments and then
    /// `version=`.
    static func isStart(of head: [UInt8]) -> Bool {
      for line in DescriptorText(head).lines.prefix(64) where !line.isEmpty {
        guard line.hasPrefix("#") else { return line.lowercased().hasPrefix("version=") && isFull(head) }
        if line.lowercased().dropFirst().drop(while: { $0 == " " }).hasPrefix("disk descriptorfile") { return true }
      }
      return false
    }

    /// Whether more than `version=` speaks for a descriptor.
    private static func isFull(_ head: [UInt8]) -> Bool {
      DescriptorText(head).lines.contains { $0.lowercased().hasPrefix("createtype") }
    }

    /// Reads the descriptor in the bytes `range` of `file`.
    init(reading file: ImageFile, _ range: Range<UInt64>) throws(ImageError) {
      let count = range.upperBound - range.lowerBound
      guard count <= Self.sizeLimit else {
        throw .damaged("has a descriptor of \(count) bytes, and more than \(Self.sizeLimit) cannot be")
      }
      try self.init(parsing: try file.bytes(Int(count), at: range.lowerBound))
    }

    init(parsing bytes: [UInt8]) throws(ImageError) {
      for line in DescriptorText(bytes).lines where !line.isEmpty && !line.hasPrefix("#") {
        if let extent = try ExtentLine(parsing: line) {
          if extent.sectors > 0 { extents.append(extent) }
          guard extents.count <= Self.extentLimit else {
            throw .unsupported("consists of more than \(Self.extentLimit) extents")
          }
        } else if let equals = line.firstIndex(of: "=") {
          let key = DescriptorText.trimmed(line[..<equals]).lowercased()
          try set(key, to: DescriptorText.unquoted(line[line.index(after: equals)...]))
        }
      }
      guard contentID != nil || createType != nil || !extents.isEmpty else {
        throw .damaged("has a descriptor without anything that describes a disk")
      }
    }

    /// As qemu and VMware have it, the first of two lines for one key counts.
    private mutating func set(_ key: String, to value: String) throws(ImageError) {
      try Self.refuseEncryption(key, value)
      switch key {
      case "version":
        guard let version = Int(value) else {
          throw .damaged("has a descriptor of version \(Escaped.text(value)), which is no number")
        }
        guard (1...4).contains(version) else {
          throw .unsupported("has a descriptor of version \(version), and only 1 to 4 are known")
        }
      case "cid": if contentID == nil { contentID = try Self.contentID(value) }
      case "parentcid": if parentContentID == nil { parentContentID = try Self.contentID(value) }
      case "createtype": createType = createType ?? value
      case "parentfilenamehint": parentName = parentName ?? (value.isEmpty ? nil : value)
      default:
        guard key.hasPrefix("ddb.") else { return }
        let key = String(key.dropFirst("ddb.".count))
        if Self.databaseKeys.contains(key), database[key] == nil { database[key] = value }
      }
    }

    /// The eight digits that a content ID is written with.
    static func text(ofContentID id: UInt32) -> String { hexadecimal(UInt64(id), digits: 8) }

    private static func contentID(_ text: String) throws(ImageError) -> UInt32 {
      guard let number = UInt32(text, radix: 16) else {
        throw .damaged("has a content ID in its descriptor that is none: \(Escaped.text(text))")
      }
      return number
    }

    /// Workstation keeps its keys in the descriptor (`encryption.keySafe`), vSphere filters all I/O of the disk.
    private static func refuseEncryption(_ key: String, _ value: String) throws(ImageError) {
      let isEncrypted =
        key.contains("keysafe") || key.contains("encryption") || key.contains("cryptokey")
        || key == "ddb.iofilters" && value.lowercased().contains("crypt")
        || key == "createtype" && value.lowercased().contains("encrypt")
      if isEncrypted {
        throw .unsupported("is encrypted by VMware (\(Escaped.text(key))), and cannot be read without its key")
      }
    }
  }
}
