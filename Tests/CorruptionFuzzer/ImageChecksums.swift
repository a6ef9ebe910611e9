import BlockDevices
import Bytes

/// The checksums of image formats, made right again after damage: else hardly any of it would get past them.
enum ImageChecksums {
  private enum Kind {
    /// VHD: the complement of the sum of the bytes, big-endian.
    case sum
    /// VHDX: CRC-32C, little-endian.
    case crc32c
  }

  /// The edits that repair `device`.
  static func repairs(of device: MutatedDevice) -> [MutatedDevice.Edit] {
    var areas: [(offset: UInt64, count: Int, field: Int, kind: Kind)] = []
    var logEntries: [LogEntry] = []
    let size = device.size
    if starts(device, 0, "conectix") { areas += [(0, 512, 64, .sum), (512, 1024, 36, .sum)] }
    if size >= 512, starts(device, size - 512, "conectix") { areas.append((size - 512, 512, 64, .sum)) }
    if starts(device, 0, "vhdxfile") {
      areas += [(64 << 10, 4096, 4, .crc32c), (128 << 10, 4096, 4, .crc32c)]
      areas += [(192 << 10, 64 << 10, 4, .crc32c), (256 << 10, 64 << 10, 4, .crc32c)]
      logEntries = Self.logEntries(of: device)
    }
    let logEdits: [MutatedDevice.Edit] = logEntries.compactMap { entry in
      guard var bytes = try? entry.parts.flatMap({ try device.bytes($0.count, at: $0.lowerBound) }) else { return nil }
      bytes.replaceSubrange(4..<8, with: [0, 0, 0, 0])
      var checksum = CRC32C()
      checksum.update(bytes.rawSpan)
      return edit(at: entry.parts[0].lowerBound + 4, UInt64(~checksum.value), width: 4)
    }
    return logEdits
      + areas.compactMap { area in
        guard var bytes = try? device.bytes(area.count, at: area.offset) else { return nil }
        bytes.replaceSubrange(area.field..<(area.field + 4), with: [0, 0, 0, 0])
        switch area.kind {
        case .sum:
          let sum = ~bytes.reduce(UInt32(0)) { $0 &+ UInt32($1) }
          return edit(at: area.offset + UInt64(area.field), UInt64(sum), width: 4, bigEndian: true)
        case .crc32c:
          var checksum = CRC32C()
          checksum.update(bytes.rawSpan)
          return edit(at: area.offset + UInt64(area.field), UInt64(~checksum.value), width: 4)
        }
      }
  }

  private static func starts(_ device: MutatedDevice, _ offset: UInt64, _ text: String) -> Bool {
    (try? device.bytes(text.utf8.count, at: offset)) == Array(text.utf8)
  }

  /// An entry of the log, in two parts where it goes around the log's end.
  private struct LogEntry {
    let parts: [Range<UInt64>]
  }

  /// Entries of the log that the first header names.
  private static func logEntries(of device: MutatedDevice) -> [LogEntry] {
    guard let header = try? device.bytes(80, at: 64 << 10), let length = try? header.rawSpan.le32(68),
      let start = try? header.rawSpan.le64(72), length <= 1 << 20, start < device.size
    else { return [] }
    let end = start + UInt64(length)
    var entries: [LogEntry] = []
    for offset in stride(from: start, to: end, by: 4096) where starts(device, offset, "loge") {
      guard let head = try? device.bytes(12, at: offset), let size = try? head.rawSpan.le32(8), size > 0,
        size <= length, device.contains(UInt64(length), at: start)
      else { continue }
      let first = offset..<min(offset + UInt64(size), end)
      let rest = UInt64(size) - UInt64(first.count)
      entries.append(LogEntry(parts: rest == 0 ? [first] : [first, start..<(start + rest)]))
    }
    return entries
  }
}
