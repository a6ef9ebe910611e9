internal import BlockDevices
internal import Bytes
internal import CBlkid
internal import SystemPackage

/// libblkid, asked about one device. It reads through a file descriptor by itself; nothing of what it finds is
/// trusted with more than a name.
@safe struct BlkidProbe: ~Copyable {
  private let handle: OpaquePointer
  /// Keeps the descriptor open that libblkid reads.
  private let source: ProbeSource

  /// - Parameter sectorSize: bytes of a logical sector, for partition tables.
  // Safe: a new handle is nobody else's, and freed here where it is not kept.
  init?(_ device: any BlockDevice, sectorSize: Int? = nil) {
    guard let source = ProbeSource(device), source.size > 0, let size = Int64(exactly: source.size),
      let offset = Int64(exactly: source.offset), let handle = unsafe blkid_new_probe()
    else { return nil }
    // Safe: the descriptor lives as long as `source`, which lives as long as the handle.
    guard unsafe blkid_probe_set_device(handle, source.descriptor, offset, size) == 0 else {
      unsafe blkid_free_probe(handle)
      return nil
    }
    if let sectorSize { _ = unsafe blkid_probe_set_sectorsize(handle, UInt32(clamping: sectorSize)) }
    unsafe self.handle = handle
    self.source = source
  }

  // Safe: made by `init`, given away to nobody.
  deinit { unsafe blkid_free_probe(handle) }

  /// What is on the device besides a partition table: normally nothing or one thing; several where old signatures
  /// were left behind.
  func signatures() -> [Signature] {
    // Safe: plain calls on a live handle; the values are copied before the next call frees them.
    _ = unsafe blkid_probe_enable_partitions(handle, 0)
    _ = unsafe blkid_probe_enable_superblocks(handle, 1)
    _ = unsafe blkid_probe_set_superblocks_flags(
      handle,
      BLKID_SUBLKS_LABEL | BLKID_SUBLKS_UUID | BLKID_SUBLKS_TYPE | BLKID_SUBLKS_USAGE
        | BLKID_SUBLKS_VERSION)
    switch unsafe blkid_do_safeprobe(handle) {
    case 0: return signature().map { [$0] } ?? []
    case -2: return allSignatures()
    default: return []
    }
  }

  /// Every signature, one by one: what `blkid_do_safeprobe` refuses to choose from.
  private func allSignatures() -> [Signature] {
    var found: [Signature] = []
    // Safe: as in `signatures`. Sixteen are more than any disk has; the bound keeps a hostile one from more.
    unsafe blkid_reset_probe(handle)
    while found.count < 16, unsafe blkid_do_probe(handle) == 0 {
      guard let signature = signature() else { continue }
      if !found.contains(where: { $0.type == signature.type }) { found.append(signature) }
    }
    return found
  }

  private func signature() -> Signature? {
    guard let type = text("TYPE") else { return nil }
    let usage = text("USAGE").flatMap { Signature.Usage(rawValue: $0) } ?? .other
    return Signature(
      type: type, usage: usage, version: text("VERSION"), label: text("LABEL"),
      labelBytes: bytes("LABEL").map(Self.untilNUL), uuid: text("UUID"))
  }

  private func text(_ name: String) -> String? {
    guard let value = bytes(name).map(Self.untilNUL), !value.isEmpty else { return nil }
    return String(decoding: value, as: UTF8.self)
  }

  private static func untilNUL(_ bytes: [UInt8]) -> [UInt8] {
    Array(bytes.prefix { $0 != 0 })
  }

  /// The value that the last probe found under `name`.
  private func bytes(_ name: String) -> [UInt8]? {
    var data: UnsafePointer<CChar>?
    var count = 0
    // Safe: libblkid owns `count` bytes at `data` until the next probe; they are copied here.
    guard unsafe blkid_probe_lookup_value(handle, name, &data, &count) == 0, let data = unsafe data else { return nil }
    return unsafe [UInt8](UnsafeRawBufferPointer(start: data, count: count))
  }
}

extension BlkidProbe {
  /// A partition table as libblkid reads it: with what BSD, Solaris and Minix labels inside MBR partitions list,
  /// numbered as the kernel does.
  struct Table {
    var type: String
    var uuid: String?
    var partitions: [Partition]
  }

  func table() -> Table? {
    // Safe: plain calls on a live handle; the list and the strings belong to it, and are copied before it is asked
    // anything else.
    _ = unsafe blkid_probe_enable_superblocks(handle, 0)
    _ = unsafe blkid_probe_enable_partitions(handle, 1)
    guard let list = unsafe blkid_probe_get_partitions(handle), let table = unsafe blkid_partlist_get_table(list),
      let type = unsafe Self.string(blkid_parttable_get_type(table))
    else { return nil }
    var partitions: [Partition] = []
    for index in 0..<(unsafe blkid_partlist_numof_partitions(list)) {
      guard let entry = unsafe blkid_partlist_get_partition(list, index),
        let partition = unsafe Self.partition(entry, rootTable: table)
      else { continue }
      partitions.append(partition)
    }
    // libblkid does not tell where logical partitions lie.
    if type == "dos", let holder = partitions.first(where: \.isContainer) {
      for index in partitions.indices where partitions[index].parent == nil && partitions[index].number > 4 {
        partitions[index].parent = holder.number
      }
    }
    return Table(type: type, uuid: unsafe Self.string(blkid_parttable_get_id(table)), partitions: partitions)
  }

  private static func partition(_ entry: OpaquePointer, rootTable: OpaquePointer) -> Partition? {
    // Safe: `entry` belongs to a live list. libblkid counts in sectors of 512 bytes, whatever the disk does.
    let start = UInt64(exactly: unsafe blkid_partition_get_start(entry))?.multipliedReportingOverflow(by: 512)
    let size = UInt64(exactly: unsafe blkid_partition_get_size(entry))?.multipliedReportingOverflow(by: 512)
    guard let start, let size, !start.overflow, !size.overflow,
      !start.partialValue.addingReportingOverflow(size.partialValue).overflow
    else { return nil }

    guard let table = unsafe blkid_partition_get_table(entry),
      let tableType = unsafe string(blkid_parttable_get_type(table))
    else { return nil }
    var parent: Int?
    if let holder = unsafe blkid_parttable_get_parent(table) {
      parent = Int(unsafe blkid_partition_get_partno(holder))
    }
    let code = unsafe blkid_partition_get_type(entry)
    let typeText = unsafe string(blkid_partition_get_type_string(entry))
    let typeName: String? =
      switch tableType {
      case "gpt": typeText.flatMap(PartitionTypes.name(ofGUID:))
      case "dos", "minix": PartitionTypes.name(ofMBRCode: UInt8(truncatingIfNeeded: code))
      // Linux's own types have the same numbers there.
      case "sun", "sgi": code < 0x80 ? nil : PartitionTypes.name(ofMBRCode: UInt8(truncatingIfNeeded: code))
      case "bsd", "freebsd", "netbsd", "openbsd": PartitionTypes.name(ofBSDCode: UInt8(truncatingIfNeeded: code))
      default: nil
      }
    // Safe: as above; the strings are copied.
    let isExtended = tableType == "dos" && (code == 0x05 || code == 0x0F || code == 0x85)
    return Partition(
      number: Int(unsafe blkid_partition_get_partno(entry)), start: start.partialValue, size: size.partialValue,
      typeCode: typeText?.lowercasedIfGUID ?? "0x" + String(UInt32(bitPattern: code), radix: 16), typeName: typeName,
      label: unsafe string(blkid_partition_get_name(entry)), uuid: unsafe string(blkid_partition_get_uuid(entry)),
      flags: unsafe blkid_partition_get_flags(entry), isContainer: isExtended, parent: parent)
  }

  private static func string(_ text: UnsafePointer<CChar>?) -> String? {
    // Safe: libblkid's strings end with NUL.
    guard let text = unsafe text else { return nil }
    let string = unsafe String(cString: text)
    return string.isEmpty ? nil : string
  }
}

extension String {
  /// GUIDs are compared and shown in lower case; an Apple type ("Apple_HFS") stays as it is.
  fileprivate var lowercasedIfGUID: String { utf8.count == 36 && contains("-") ? lowercased() : self }
}
