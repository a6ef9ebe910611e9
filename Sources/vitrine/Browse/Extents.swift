internal import ArgumentParser
internal import BlockDevices
internal import Browsing
internal import Bytes
internal import DiskImages
internal import DiskStack
internal import FileSystems

/// `vitrine extents`: where a file's bytes lie, from its volume down to the host's file.
struct Extents: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "extents",
    abstract: "Show where a file's bytes lie: in its volume, in the disk, and in the image's file.",
    discussion: "Tables are those of filefrag(8) with -v. Where the three are the same, there is one.")

  @OptionGroup var operand: ImageOperand

  @Argument(help: ArgumentHelp("A file, or a raw device such as /p1.raw.", valueName: "path"))
  var paths: [ImagePath]

  @OptionGroup var json: JSONArgument

  func run() throws {
    let opened = try operand.open()
    let output = Output()
    let problems = Problems(opened, output)
    let array = json.isWanted ? try JSONArrayOutput(output) : nil
    for path in paths {
      do {
        let facts = try opened.tree.node(at: path.bytes)
        let file = try opened.tree.file(facts.number)
        if let array {
          try array.element { try ExtentsJSON(opened, file, facts, path.bytes).write(to: output) }
        } else {
          try tell(of: file, facts, path.bytes, opened, output)
        }
      } catch let error as ReadError { try problems.report(error, at: path.bytes) }
    }
    try array?.finish()
    try problems.finish()
  }

  private func tell(
    of file: any BlockDevice, _ facts: NodeFacts, _ path: [UInt8], _ opened: BrowsedImage, _ output: Output
  ) throws {
    let levels = ExtentLevels(of: facts.number, file: file, in: opened)
    // As it would be called on a terminal; a table has a line for its name.
    let name = Array(Escaped.text(path).utf8)
    let place = levels.volume
    let table = ExtentTable(blockSize: levels.blockSize, fileSize: file.size, output: output)
    let summary = opened.tree.summary(at: facts.number)
    if let place {
      if let summary { try output.write("Filesystem type is: \(Self.magic(summary.type))\n") }
      try table.write(name, spaceSize: place.device.size) { (visit) throws(ReadError) in
        try levels.forEachInVolume(visit)
      }
      if !levels.isVolumeDisk {
        try output.write("In the disk, where \(place.name) starts at byte \(place.start):\n")
        try table.write(name, spaceSize: opened.stack.disk.size) { (visit) throws(ReadError) in
          try levels.forEachInVolume { (row) throws(ReadError) in
            try visit(row.moved(by: place.start))
          }
        }
      }
      if levels.isDiskFile { return }
    }
    try output.write("In \(opened.name):\n")
    let own = opened.stack.image.files.first
    try table.write(name, spaceSize: own?.size ?? 0, in: own) { (visit) throws(ReadError) in
      try levels.forEachOnHost(visit)
    }
  }

  /// `f_type` of statfs(2), as filefrag(8) prints it; the name of what has none.
  private static func magic(_ type: String) -> String {
    switch type {
    case "ext2", "ext3", "ext4": "ef53"
    case "squashfs": "73717368"
    case "erofs": "e0f5e1e2"
    case "xfs": "58465342"
    case "btrfs": "9123683e"
    case "vfat": "4d44"
    case "exfat": "2011bab0"
    case "iso9660": "9660"
    default: type
    }
  }
}

/// A run of a file's bytes, on one of the levels.
struct ExtentRow {
  /// Bytes from the start of the file.
  var logical: UInt64
  var length: UInt64
  /// Bytes from the start of the volume, disk or file; nil where the bytes have to be made, or lie elsewhere.
  var physical: UInt64?
  /// On a further device of the filesystem, so in neither the volume nor the disk.
  var isElsewhere = false
  /// Allocated, but never written.
  var isUnwritten = false
  /// The host's file, on that level.
  var file: HostFile?

  var end: UInt64 { logical + length }

  func moved(by offset: UInt64) -> ExtentRow {
    var row = self
    row.physical = physical.map { $0 &+ offset }
    return row
  }
}

/// The levels on which a file's bytes have a place.
struct ExtentLevels {
  let file: any BlockDevice
  /// nil for a raw device, which is in no volume.
  let volume: Volume?
  let fileSystem: (any FileSystem)?
  private let opened: BrowsedImage
  private let node: NodeID?

  init(of number: UInt64, file: any BlockDevice, in opened: BrowsedImage) {
    self.file = file
    self.opened = opened
    if case .file(let fileSystem, let id)? = opened.tree.node(number) {
      self.fileSystem = fileSystem
      node = id
      volume = opened.stack.volumes.first { $0.fileSystem === fileSystem }
    } else {
      fileSystem = nil
      node = nil
      volume = nil
    }
  }

  /// Bytes.
  var blockSize: UInt64 { UInt64(max(fileSystem?.summary.blockSize ?? 512, 1)) }

  /// Whether the volume is the whole disk.
  var isVolumeDisk: Bool { volume.map { $0.start == 0 && $0.device.size >= opened.stack.disk.size } ?? false }

  /// Whether a place in the disk is one in the image's file: a raw image, and nothing lies anywhere else.
  var isDiskFile: Bool {
    isVolumeDisk && opened.stack.image.map == nil && opened.stack.disk.size == opened.stack.image.disk.size
      && opened.stack.image.files.count == 1 && fileSystem.map { $0.sources.count == 1 } ?? true
  }

  /// Visits what is stored, without holes.
  func forEachInVolume(_ visit: (ExtentRow) throws(ReadError) -> Void) throws(ReadError) {
    guard let fileSystem, let node else { return }
    var position: UInt64 = 0
    var extents = ExtentList()
    while position < file.size {
      extents.removeAll()
      try fileSystem.map(node, position..<file.size, into: &extents)
      guard extents.length > 0 else { throw .corrupt("extent map", at: position) }
      for extent in extents.extents {
        switch extent.kind {
        case .hole: break
        case .unwritten:
          try visit(
            ExtentRow(logical: position, length: extent.length, physical: extent.reserved, isUnwritten: true))
        case .mapped(let source, let offset):
          let isElsewhere = source > 0
          try visit(
            ExtentRow(
              logical: position, length: extent.length, physical: isElsewhere ? nil : offset, isElsewhere: isElsewhere))
        case .encoded:
          try visit(ExtentRow(logical: position, length: extent.length, physical: nil))
        }
        position += extent.length
      }
    }
  }

  /// Visits what is stored in the host's files, without holes.
  func forEachOnHost(_ visit: (ExtentRow) throws(ReadError) -> Void) throws(ReadError) {
    var position: UInt64 = 0
    var extents = HostExtentList()
    while position < file.size {
      extents.removeAll()
      try file.resolve(position..<file.size, into: &extents)
      guard extents.length > 0 else { throw .corrupt("extent map", at: position) }
      for extent in extents.extents {
        switch extent.kind {
        case .hole: break
        case .host(let host, let offset):
          try visit(ExtentRow(logical: position, length: extent.length, physical: offset, file: host))
        case .encoded:
          try visit(ExtentRow(logical: position, length: extent.length, physical: nil))
        }
        position += extent.length
      }
    }
  }
}
