internal import BlockDevices
internal import Browsing
internal import Bytes
internal import DiskStack
internal import SystemPackage

/// A table of extents as filefrag(8) prints it with `-v`.
struct ExtentTable {
  /// Bytes.
  let blockSize: UInt64
  let fileSize: UInt64
  let output: Output

  /// Bytes of a physical place's width, and of a logical one's, at least.
  private static let leastPhysicalWidth = 10
  private static let leastLogicalWidth = 8

  /// What was seen of the extents before.
  private struct State {
    var index = 0
    var fragments = 0
    var previous: ExtentRow?
    var file: HostFile?
  }

  /// - Parameters:
  ///   - spaceSize: bytes of what the extents lie in.
  ///   - own: the image's own file, where they are places in the host's files.
  ///   - rows: visits them in order, and ends with what went wrong.
  func write(
    _ name: [UInt8], spaceSize: UInt64, in own: HostFile? = nil,
    _ rows: ((ExtentRow) throws(ReadError) -> Void) throws(ReadError) -> Void
  ) throws {
    let blocks = HumanSize.units(fileSize, of: blockSize)
    try output.write("File size of ")
    try output.write(name)
    try output.write(" is \(fileSize) (\(blocks) block\(blocks == 1 ? "" : "s") of \(blockSize) bytes)\n")
    let logicalWidth = max(Self.leastLogicalWidth, "\(blocks)".utf8.count)
    let physicalWidth = max(Self.leastPhysicalWidth, "\(spaceSize / blockSize)".utf8.count)
    var state = State(file: own)
    // One behind, since the last one is marked.
    var held: ExtentRow?
    var failure: (any Error)?
    func take(_ row: ExtentRow) {
      guard failure == nil else { return }
      do {
        if let held { try line(held, isLast: false, &state, logicalWidth, physicalWidth) }
      } catch { failure = error }
      held = row
    }
    var problem: ReadError?
    do { try rows { (row) throws(ReadError) in take(row) } } catch { problem = error }
    if let failure { throw failure }
    if let held { try line(held, isLast: problem == nil, &state, logicalWidth, physicalWidth) }
    if let problem { throw problem }
    try output.write(name)
    try output.write(": \(state.fragments) extent\(state.fragments == 1 ? "" : "s") found\n")
  }

  private func line(
    _ row: ExtentRow, isLast: Bool, _ state: inout State, _ logicalWidth: Int, _ physicalWidth: Int
  ) throws {
    if state.index == 0 {
      try output.write(
        " ext: \(left("logical_offset:", logicalWidth * 2 + 3)) \(left("physical_offset:", physicalWidth * 2 + 3)) length: "
          + "\(left("expected:", physicalWidth + 1)) flags:\n")
    }
    if let file = row.file, state.file !== file {
      // Whose bytes the places count, where they are not all in the image's own file.
      try output.write("  in \(Escaped.text(file.path.string)):\n")
      state.file = file
    }
    let expected = fragment(row, &state)
    let firstBlock = row.logical / blockSize
    let count = HumanSize.units(row.end, of: blockSize) - firstBlock
    var flags: [String] = isLast ? ["last"] : []
    if row.physical == nil { flags += row.isElsewhere ? ["unknown_loc"] : ["unknown_loc", "encoded"] }
    if isUnaligned(row) { flags.append("not_aligned") }
    if row.isUnwritten { flags.append("unwritten") }
    if row.end >= fileSize { flags.append("eof") }
    let physical = (row.physical ?? 0) / blockSize
    let place =
      "\(left("\(firstBlock)", logicalWidth))..\(left("\(firstBlock + count - 1)", logicalWidth)): "
      + "\(left("\(physical)", physicalWidth))..\(left("\(row.physical == nil ? 0 : physical + count - 1)", physicalWidth)): "
      + "\(left("\(count)", 6)): "
    let jump = expected.map { left("\($0 / blockSize)", physicalWidth) + ": " }
    let gap = jump ?? String(repeating: " ", count: physicalWidth + 2)
    // Without flags, filefrag(8) drops the last space.
    let end = flags.isEmpty ? String(gap.dropLast()) : gap + flags.joined(separator: ",")
    try output.write("\(left("\(state.index)", 4)): \(place)\(end)\n")
    state.index += 1
  }

  /// Where an extent would lie, did it follow the one before; nil where it does, with or without a gap for a hole.
  private func fragment(_ row: ExtentRow, _ state: inout State) -> UInt64? {
    defer { state.previous = row }
    guard let previous = state.previous, let before = previous.physical, let place = row.physical else {
      if state.previous == nil || row.physical != nil { state.fragments += 1 }
      return nil
    }
    let dense = before &+ HumanSize.units(previous.length, of: blockSize) * blockSize
    let spaced = before &+ (row.logical - previous.logical)
    let isSameFile = previous.file == nil && row.file == nil || previous.file === row.file
    if isSameFile && (place == dense || place == spaced) { return nil }
    state.fragments += 1
    return spaced
  }

  private func isUnaligned(_ row: ExtentRow) -> Bool {
    row.logical % blockSize != 0 || (row.physical ?? 0) % blockSize != 0
  }

  private func left(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(0, width - text.utf8.count)) + text
  }
}

/// The same as an object.
struct ExtentsJSON {
  private let opened: BrowsedImage
  private let file: any BlockDevice
  private let path: [UInt8]
  private let levels: ExtentLevels

  init(_ opened: BrowsedImage, _ file: any BlockDevice, _ facts: NodeFacts, _ path: [UInt8]) {
    self.opened = opened
    self.file = file
    self.path = path
    levels = ExtentLevels(of: facts.number, file: file, in: opened)
  }

  /// Writes the object as it is found out: a file can have any number of extents.
  /// - Throws: what could not be read, when the object is whole but for that.
  func write(to output: Output) throws {
    let place: [(String, JSONValue)] =
      levels.volume.map { volume in
        [
          ("volume", .string(volume.name)), ("volume-start", .number(volume.start)),
          ("block-size", .number(levels.blockSize)),
        ]
      } ?? [("volume", .null)]
    let head = JSONValue.object(NodeJSON.text("path", path) + [("size", .number(file.size))] + place)
    try output.write(String(head.line.dropLast()))
    var problem: ReadError?
    if let start = levels.volume?.start {
      try output.write(", \"extents\": [")
      problem = try rows(start, output) { (visit) throws(ReadError) in try levels.forEachInVolume(visit) }
      try output.write("]")
    }
    try output.write(", \"host-extents\": [")
    let second = try rows(nil, output) { (visit) throws(ReadError) in try levels.forEachOnHost(visit) }
    try output.write("]}")
    if let problem = problem ?? second { throw problem }
  }

  private func rows(
    _ start: UInt64?, _ output: Output,
    _ rows: ((ExtentRow) throws(ReadError) -> Void) throws(ReadError) -> Void
  ) throws -> ReadError? {
    var isFirst = true
    var failure: (any Error)?
    var problem: ReadError?
    do {
      try rows { (row) throws(ReadError) in
        guard failure == nil else { return }
        do { try output.write((isFirst ? "" : ", ") + object(row, start: start).line) } catch { failure = error }
        isFirst = false
      }
    } catch { problem = error }
    if let failure { throw failure }
    return problem
  }

  /// - Parameter start: of the volume in the disk; nil where the place is one on the host.
  private func object(_ row: ExtentRow, start: UInt64?) -> JSONValue {
    var members: [(String, JSONValue)] = [("logical", .number(row.logical)), ("length", .number(row.length))]
    if let start {
      members += [
        ("volume-offset", row.physical.map(JSONValue.number) ?? .null),
        ("disk-offset", row.physical.map { .number($0 &+ start) } ?? .null),
      ]
    } else {
      members += [
        ("offset", row.physical.map(JSONValue.number) ?? .null),
        ("filename", .optional(row.file.map { Escaped.text($0.path.string) })),
      ]
    }
    let state =
      row.isUnwritten ? "unwritten" : row.isElsewhere ? "elsewhere" : row.physical == nil ? "encoded" : "written"
    return .object(members + [("state", .string(state))])
  }
}
