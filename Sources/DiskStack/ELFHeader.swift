internal import BlockDevices
internal import Bytes

/// As much of a program in the ELF format as it takes to see where it ends: System V ABI, "Object Files", chapter 4.
struct ELFHeader {
  /// Byte positions at which the program may end, without repetition: behind the table of sections, which most often
  /// comes last, and behind the last section or segment. Empty where the header tells of neither.
  let ends: [UInt64]

  /// nil for what is no such program.
  init?(of device: any BlockDevice) {
    guard let layout = Layout(of: device) else { return nil }
    // What lies past the file's end is wrong, and tells nothing.
    let tableEnds = [layout.sections.end, layout.segments.end].filter { $0 <= device.size }
    var furthest = tableEnds.max() ?? 0
    for table in [layout.sections, layout.segments] {
      furthest = max(furthest, layout.furthestEnd(in: table, of: device))
    }
    var ends: [UInt64] = []
    for end in [layout.sections.end, furthest] where end > 0 && end <= device.size && !ends.contains(end) {
      ends.append(end)
    }
    self.ends = ends
  }

  /// Where a table of records lies in the file.
  private struct Table {
    var start: UInt64
    var count: Int
    /// Bytes of a record.
    var size: Int
    var isSections: Bool

    /// 0 for no table.
    var end: UInt64 {
      guard start > 0, count > 0 else { return 0 }
      let (end, overflow) = start.addingReportingOverflow(UInt64(count) * UInt64(size))
      return overflow ? 0 : end
    }
  }

  private struct Layout {
    let is64: Bool
    let isBigEndian: Bool
    var sections = Table(start: 0, count: 0, size: 0, isSections: true)
    var segments = Table(start: 0, count: 0, size: 0, isSections: false)

    init?(of device: any BlockDevice) {
      guard device.size >= 64, let bytes = try? device.bytes(64, at: 0) else { return nil }
      let span = bytes.rawSpan
      guard let magic = try? span.be32(0), magic == 0x7F45_4C46, let form = try? span.u8(4), form == 1 || form == 2,
        let order = try? span.u8(5), order == 1 || order == 2
      else { return nil }
      is64 = form == 2
      isBigEndian = order == 2
      do throws(ReadError) {
        segments.start = try word(span, is64 ? 32 : 28)
        sections.start = try word(span, is64 ? 40 : 32)
        let counts = is64 ? 54 : 42
        segments.size = Int(try half(span, counts))
        segments.count = Int(try half(span, counts + 2))
        sections.size = Int(try half(span, counts + 4))
        sections.count = Int(try half(span, counts + 6))
      } catch { return nil }
    }

    private func half(_ span: RawSpan, _ offset: Int) throws(ReadError) -> UInt16 {
      isBigEndian ? try span.be16(offset) : try span.le16(offset)
    }

    /// A number as wide as the program's addresses.
    private func word(_ span: RawSpan, _ offset: Int) throws(ReadError) -> UInt64 {
      if is64 { return isBigEndian ? try span.be64(offset) : try span.le64(offset) }
      return UInt64(isBigEndian ? try span.be32(offset) : try span.le32(offset))
    }

    /// The furthest byte within the file that a record of the table has in the file; 0 where there is none.
    func furthestEnd(in table: Table, of device: any BlockDevice) -> UInt64 {
      let smallest = table.isSections ? (is64 ? 64 : 40) : (is64 ? 56 : 32)
      let count = table.count * table.size
      guard table.start > 0, table.size >= smallest, count <= ELFHeader.largestTable,
        device.contains(UInt64(count), at: table.start), let bytes = try? device.bytes(count, at: table.start)
      else { return 0 }
      let span = bytes.rawSpan
      var furthest: UInt64 = 0
      for start in stride(from: 0, to: count, by: table.size) {
        do throws(ReadError) {
          let place: (offset: Int, size: Int)
          if table.isSections {
            // What takes no place in the file (SHT_NOBITS) states a size all the same.
            let type = isBigEndian ? try span.be32(start + 4) : try span.le32(start + 4)
            if type == 8 { continue }
            place = is64 ? (24, 32) : (16, 20)
          } else {
            place = is64 ? (8, 32) : (4, 16)
          }
          let offset = try word(span, start + place.offset)
          let (end, overflow) = offset.addingReportingOverflow(try word(span, start + place.size))
          if !overflow && end <= device.size { furthest = max(furthest, end) }
        } catch { return furthest }
      }
      return furthest
    }
  }

  /// Bytes: more than the headers of any program that carries a filesystem.
  private static let largestTable = 1 << 20
}
