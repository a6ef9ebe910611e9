internal import BlockDevices
internal import Bytes

extension QCOW2 {
  /// An internal snapshot: a state of the disk with an L1 table of its own ("Snapshots" in the specification).
  struct Snapshot: Sendable {
    let rootOffset: UInt64
    let rootCount: UInt64
    let summary: ImageSnapshot

    /// As many as QEMU allows, and as many bytes of their table.
    static let countLimit: UInt32 = 65536
    static let tableLimit: UInt64 = 64 << 20
    /// Bytes of what an entry may say beyond what this program knows.
    static let extraLimit = 1024
    /// Bytes of the text that is kept: QEMU shows as much.
    static let idLimit = 127
    static let nameLimit = 255

    /// All of an image, in its order.
    static func all(of header: Header, in device: any BlockDevice) throws(ImageError) -> [Snapshot] {
      guard header.snapshotCount > 0 else { return [] }
      guard header.snapshotCount <= countLimit else {
        throw .damaged("says that it has \(header.snapshotCount) snapshots, and more than \(countLimit) cannot be")
      }
      guard header.snapshotOffset != 0, header.snapshotOffset.isMultiple(of: header.clusterSize) else {
        throw .damaged("has a table of snapshots that does not begin at a cluster (at \(header.snapshotOffset))")
      }
      var snapshots: [Snapshot] = []
      // QEMU's table can be 64 MiB; `add` checks the sum, so the offset cannot overflow.
      var offset = header.snapshotOffset
      for _ in 0..<header.snapshotCount {
        guard offset - header.snapshotOffset <= tableLimit else {
          throw .damaged("has a table of snapshots of more than \(tableLimit >> 20) MiB")
        }
        do throws(ReadError) {
          let entry = try Entry(in: device, at: offset)
          snapshots.append(try Snapshot(parsing: entry, header))
          offset = try offset.adding(UInt64(entry.paddedCount), of: "snapshot table")
        } catch {
          throw ImageError(.unreadable(error))
        }
      }
      return snapshots
    }

    /// The snapshot with this ID or, where there is none, with this name.
    static func named(_ name: String, among snapshots: [Snapshot]) throws(ImageError) -> Snapshot {
      if let found = snapshots.first(where: { $0.summary.id == name })
        ?? snapshots.first(where: { $0.summary.name == name })
      {
        return found
      }
      let called = Escaped.text(name)
      guard !snapshots.isEmpty else { throw .usage("has no snapshots, so there is none called \(called)") }
      let listed = snapshots.prefix(20).map { "\(Escaped.text($0.summary.id)) (\(Escaped.text($0.summary.name)))" }
      throw .usage(
        "has no snapshot called \(called); there are: " + listed.joined(separator: ", ")
          + (snapshots.count > listed.count ? " and \(snapshots.count - listed.count) more" : ""))
    }
  }
}

extension QCOW2.Snapshot {
  /// The bytes of one entry of the snapshot table: 40 of fixed form, extra data, the ID and the name.
  private struct Entry {
    let bytes: [UInt8]
    let extraCount: Int
    let idCount: Int
    let nameCount: Int

    /// With the padding up to the next entry.
    var paddedCount: Int { (40 + extraCount + idCount + nameCount + 7) & ~7 }

    init(in device: any BlockDevice, at offset: UInt64) throws(ReadError) {
      guard device.contains(40, at: offset) else { throw .truncated("snapshot table", at: offset) }
      // Most entries are there with one read.
      let start = try device.bytes(Int(min(256, device.size - offset)), at: offset)
      let span = start.rawSpan
      let id = Int(try span.be16(12, of: "snapshot table"))
      let name = Int(try span.be16(14, of: "snapshot table"))
      let extra = Int(try span.be32(36, of: "snapshot table"))
      guard extra <= QCOW2.Snapshot.extraLimit else { throw .corrupt("snapshot table", at: offset) }
      let count = 40 + extra + id + name
      guard device.contains(UInt64(count), at: offset) else { throw .truncated("snapshot table", at: offset) }
      bytes = count > start.count ? try device.bytes(count, at: offset) : start
      (idCount, nameCount, extraCount) = (id, name, extra)
    }
  }

  private init(parsing entry: Entry, _ header: QCOW2.Header) throws(ReadError) {
    let span = entry.bytes.rawSpan
    let subject: StaticString = "snapshot"
    rootOffset = try span.be64(0, of: subject)
    rootCount = UInt64(try span.be32(8, of: subject))
    var machineStateSize = UInt64(try span.be32(32, of: subject))
    if entry.extraCount >= 8 { machineStateSize = try span.be64(40, of: subject) }
    // Snapshots of old have no size of their own: the disk's could not change then.
    var diskSize = header.size
    if entry.extraCount >= 16 { diskSize = try span.be64(48, of: subject) & ~511 }
    guard diskSize <= ClusterTables.sizeLimit else { throw .corrupt("snapshot's disk size") }
    let text = 40 + entry.extraCount
    let id = try span.bytes(text, count: min(entry.idCount, Self.idLimit), of: subject)
    let name = try span.bytes(text + entry.idCount, count: min(entry.nameCount, Self.nameLimit), of: subject)
    summary = ImageSnapshot(
      id: String(terminated: id), name: String(terminated: name),
      seconds: Int64(try span.be32(16, of: subject)), nanoseconds: try span.be32(20, of: subject),
      diskSize: diskSize, machineStateSize: machineStateSize, machineClock: try span.be64(24, of: subject))
  }
}
