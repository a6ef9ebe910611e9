internal import BlockDevices
internal import DiskImages
internal import DiskStack
internal import FileSystems
internal import SystemPackage
internal import Volumes

/// `inspect --json`: keys as `lsblk -J` and `qemu-img info --output=json` have them, all sizes in bytes. Every key is
/// there every time, null where it says nothing; man/vitrine-inspect.schema.json is the promise.
enum InspectJSON {
  static func text(of report: InspectReport) -> String {
    let stack = report.stack
    let table = stack.table
    // The disk may be a part of the image's, and its notices are told with those of all layers.
    var object = members(of: report.images).filter { $0.0 != "notices" }.map { key, value in
      (key, key == "virtual-size" ? .number(stack.disk.size) : value)
    }
    object += [
      ("snapshot", .optional(report.snapshot)),
      ("offset", .number(report.offset)),
      ("pttype", .optional(table?.type)),
      ("ptuuid", .optional(table?.uuid)),
      ("log-sec", table.map { .number(UInt64($0.sectorSize)) } ?? .null),
      ("notices", .strings(stack.notices + (table?.notices ?? []))),
    ]
    object.append(("children", .array(report.items.map(item))))
    return JSONValue.object(object).text + "\n"
  }

  private static func item(_ item: InspectReport.Item) -> JSONValue {
    switch item {
    case .volume(let volume): return self.volume(volume)
    case .free(let start, let size, let parent):
      return .object([
        ("name", .string("free")), ("type", .string("free")), ("start", .number(start)), ("size", .number(size)),
        ("parent", parent.map { .number(UInt64($0)) } ?? .null),
      ])
    }
  }

  private static func volume(_ volume: Volume) -> JSONValue {
    let partition = volume.partition
    let summary = volume.fileSystem?.summary
    var object: [(String, JSONValue)] = [
      ("name", .string(volume.name)),
      ("type", .string(partition == nil ? "disk" : "part")),
      ("start", .number(volume.start)),
      ("size", .number(volume.device.size)),
      ("parent", partition?.parent.map { .number(UInt64($0)) } ?? .null),
      ("number", .number(UInt64(volume.number))),
      ("fstype", .optional(volume.typeName)),
      ("fsver", .optional(volume.signature?.version)),
      ("label", volume.label.map { .string(String(decoding: $0, as: UTF8.self)) } ?? .null),
    ]
    if let label = volume.label, String(validating: label, as: UTF8.self) == nil {
      object.append(("label-hex", .string(hexadecimal(label))))
    }
    object += [
      ("uuid", .optional(volume.uuid)),
      ("parttype", .optional(partition?.typeCode)),
      ("parttypename", .optional(partition?.typeName)),
      ("partlabel", .optional(partition?.label)),
      ("partuuid", .optional(partition?.uuid)),
      ("partflags", .optional(partition.flatMap { $0.flags == 0 ? nil : "0x" + String($0.flags, radix: 16) })),
      ("fssize", summary.map { .number($0.byteCount(of: $0.blockCount)) } ?? .null),
      ("fsavail", summary.map { .number($0.byteCount(of: $0.availableBlockCount)) } ?? .null),
      (
        "fsused",
        summary.map { .number($0.byteCount(of: $0.blockCount - min($0.blockCount, $0.freeBlockCount))) } ?? .null
      ),
      ("state", .string(volume.state)),
      ("detail", .optional(volume.detail)),
      ("filesystem", volume.fileSystem.map(fileSystem) ?? .null),
      ("notices", .strings(volume.notices)),
    ]
    return .object(object)
  }

  private static func fileSystem(_ fileSystem: any FileSystem) -> JSONValue {
    let summary = fileSystem.summary
    return .object([
      ("type", .string(summary.type)),
      ("block-size", .number(UInt64(summary.blockSize))),
      ("blocks", .number(summary.blockCount)),
      ("free-blocks", .number(summary.freeBlockCount)),
      ("inodes", .number(summary.inodeCount)),
      ("free-inodes", .number(summary.freeInodeCount)),
      ("size", .number(summary.size)),
      ("features", .strings(summary.features)),
      ("created", .optional(summary.created.map(InspectFormat.time))),
      ("last-mounted", .optional(summary.lastMounted.map(InspectFormat.time))),
      ("last-written", .optional(summary.lastWritten.map(InspectFormat.time))),
      ("last-mount-point", .optional(summary.lastMountPoint)),
      ("clean", .boolean(summary.isClean)),
      ("details", .object(fileSystem.details.map { ($0.name, value(of: $0)) })),
      ("notices", .strings(summary.notices)),
    ])
  }

  private static func value(of detail: FileSystemDetail) -> JSONValue {
    switch detail.value {
    case .text(let text): .string(text)
    case .texts(let texts): .strings(texts)
    case .count(let number), .size(let number): .number(number)
    case .part(let part, let whole): .object([("bytes", .number(part)), ("of", .number(whole))])
    }
  }

  private static func hexadecimal(_ bytes: [UInt8]) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }
}

extension FileSystemSummary {
  /// Bytes of `blocks` of this filesystem; the greatest number where that overflows.
  func byteCount(of blocks: UInt64) -> UInt64 {
    let (bytes, overflow) = blocks.multipliedReportingOverflow(by: UInt64(blockSize))
    return overflow ? .max : bytes
  }
}

extension Volume {
  /// Why its contents cannot be read, or what can be done with them.
  var detail: String? {
    switch contents {
    case .unreadable(.notRecognized): "damaged: the signature is there, but not what should follow it"
    case .unreadable(.unsupported(let features)): "uses what is not supported: \(features.joined(separator: ", "))"
    case .unreadable(.unreadable(let error)): "\(error)"
    case .unsupported(let hint): hint
    case .fileSystem, .container, .unknown: nil
    }
  }
}
