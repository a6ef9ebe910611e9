internal import Bytes
internal import DiskImages
internal import BlockDevices
internal import FileSystems
internal import Volumes

extension VolumeSelector: CustomStringConvertible {
  /// As it is written on the command line.
  public var description: String {
    switch self {
    case .number(let number): "\(number)"
    case .label(let value): "LABEL=\(value)"
    case .uuid(let value): "UUID=\(value)"
    case .partitionLabel(let value): "PARTLABEL=\(value)"
    case .partitionUUID(let value): "PARTUUID=\(value)"
    }
  }

  func matches(_ volume: Volume) -> Bool {
    switch self {
    case .number(let number): volume.number == number
    case .label(let value): volume.label.map { $0 == Array(value.utf8) } ?? false
    case .uuid(let value): volume.uuid?.lowercased() == value.lowercased()
    case .partitionLabel(let value): volume.partition?.label == value
    case .partitionUUID(let value): volume.partition?.uuid?.lowercased() == value.lowercased()
    }
  }
}

extension Volume {
  /// The label of what is on the volume: by the driver's word, or else libblkid's. Bytes as on the disk.
  public var label: [UInt8]? {
    let label = fileSystem?.summary.label ?? signature?.labelBytes ?? []
    return label.isEmpty ? nil : label
  }

  /// The identifier of what is on the volume.
  public var uuid: String? { fileSystem?.summary.uuid ?? signature?.uuid }

  /// libblkid's name for what is on the volume, or the driver's where libblkid has none.
  public var typeName: String? { signature?.type ?? fileSystem?.summary.type }

  /// The volume in a few words, for a message: `2 (ext4, LABEL=root)`.
  var briefly: String {
    var facts: [String] = []
    if let typeName { facts.append(typeName) }
    if case .container = contents { facts.append("extended") }
    if let label { facts.append("LABEL=" + Escaped.text(label)) }
    if let label = partition?.label { facts.append("PARTLABEL=" + Escaped.text(Array(label.utf8))) }
    if facts.isEmpty, let name = partition?.typeName { facts.append(name) }
    return facts.isEmpty ? "\(number)" : "\(number) (" + facts.joined(separator: ", ") + ")"
  }
}

extension DiskStack {
  /// The one volume that `selector` means.
  /// - Throws: `.noSuchVolume` and `.ambiguousVolume`, with what is there.
  public func volume(matching selector: VolumeSelector) throws(StackError) -> Volume {
    var matching = volumes.filter(selector.matches)
    if matching.count > 1 {
      // An ISO image's partition holds what the disk as a whole does: the disk is meant.
      if let first = matching.first, first.number == 0, matching.dropFirst().allSatisfy({ $0.uuid == first.uuid }) {
        matching.removeLast(matching.count - 1)
      } else {
        throw .ambiguousVolume(image.path, selector: "\(selector)", matching: matching.map(\.briefly))
      }
    }
    guard let volume = matching.first else {
      throw .noSuchVolume(image.path, selector: "\(selector)", present: volumes.map(\.briefly))
    }
    return volume
  }
}
