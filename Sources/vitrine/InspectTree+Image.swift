internal import Bytes
internal import DiskImages
internal import FileSystems
internal import SystemPackage

extension InspectTree {
  private static let imageIndent = "  "
  /// More files than these, or snapshots, are left to the JSON.
  private static let mostFiles = 8
  private static let mostSnapshots = 50
  /// Backing files behind these are drawn at the same place.
  private static let deepest = 8

  /// "qcow2 image, version 3, 8 MiB, 212 KiB allocated".
  /// - Parameter size: bytes of the disk that is looked at, which may be a part of the image's.
  func heading(of image: ImageLayer, size: UInt64) -> String {
    let unit = style.exactSizes ? " bytes" : ""
    if image.isBlockDevice { return "block device, \(self.size(size))\(unit)" }
    let facts = [
      "\(image.format.title) image", image.summary.variant.map { Escaped.text($0) },
      image.files.count > 1 ? "\(image.files.count) files" : nil, self.size(size) + unit,
      "\(self.size(image.actualSize))\(unit) allocated",
    ]
    return facts.compactMap { $0 }.joined(separator: ", ")
  }

  /// What there is to say of the first of `images` besides its heading, and of the backing files behind it.
  /// - Parameter snapshot: the one that is looked at, as it was asked for.
  func facts(of images: [ImageLayer], snapshot: String?) -> [String] {
    guard let image = images.first else { return [] }
    let summary = image.summary
    let indent = Self.imageIndent
    var lines: [String] = []
    func fact(_ key: String, _ value: String?, _ ink: Ink = .plain) {
      lines += self.fact(key, value, ink, indent: indent)
    }
    fact("snapshot", snapshot.map { Escaped.text($0) + ", instead of the present state" })
    fact(Self.name(ofClusters: image.format), summary.clusterSize.map { size($0) })
    fact(
      "stored",
      summary.allocatedSize.map {
        "\(size($0)) of \(size(image.size)) (\(InspectFormat.percentage($0, of: image.size)))"
      })
    if image.isCompressed != false { fact("compression", summary.compression.map { Escaped.text($0) }) }
    fact("UUID", summary.uuid.map { Escaped.text($0) })
    fact("creator", summary.creator.map { Escaped.text($0) })
    fact("created", summary.created.map { InspectFormat.time(Timestamp(seconds: $0)) })
    fact("details", details(of: summary))
    // Most formats have more to say of it, as a notice.
    if summary.notices.isEmpty {
      if summary.isCorrupt { fact("state", "marked as corrupt", .error) }
      if summary.isDirty { fact("state", "dirty: not closed cleanly", .notice) }
    }
    lines += files(of: image)
    lines += snapshots(summary.snapshots)
    lines += backingFiles(images)
    return lines
  }

  private static func name(ofClusters format: ImageFormat) -> String {
    switch format {
    case .vmdk: "grains"
    case .vpc, .vhdx, .vdi: "blocks"
    case .raw, .qcow, .qcow2, .qed: "clusters"
    }
  }

  /// What only this format has, on one line; what the other lines say is left out, and so are lists.
  private func details(of summary: ImageSummary) -> String {
    let said = [summary.variant, summary.compression, summary.uuid, summary.creator].compactMap { $0 }
    let facts = summary.specific.filter { !["corrupt", "compression-type", "create-type"].contains($0.key) }
    return facts.compactMap { key, value -> String? in
      switch value {
      case .text(let text): said.contains(text) ? nil : "\(key) \(Escaped.text(text))"
      case .number(let number): "\(key) \(number)"
      case .flag(let isSet): isSet ? key : nil
      case .none, .list, .record: nil
      }
    }.joined(separator: ", ")
  }

  private func files(of image: ImageLayer) -> [String] {
    guard image.files.count > 1 else { return [] }
    let shown = image.files.count > Self.mostFiles ? image.files.prefix(Self.mostFiles - 1) : image.files[...]
    var rows = shown.map { [Self.name(of: $0.path), size($0.size)] }
    if shown.count < image.files.count { rows.append(["and \(image.files.count - shown.count) more", ""]) }
    return table("files", rows, rightAligned: [1])
  }

  private func snapshots(_ snapshots: [ImageSnapshot]) -> [String] {
    guard !snapshots.isEmpty else { return [] }
    let header = ["ID", "name", "time", "disk", "VM state", "VM clock"]
    let rows = snapshots.prefix(Self.mostSnapshots).map { snapshot in
      [
        Escaped.text(snapshot.id), Escaped.text(snapshot.name),
        InspectFormat.time(Timestamp(seconds: snapshot.seconds)), size(snapshot.diskSize),
        size(snapshot.machineStateSize), InspectFormat.duration(nanoseconds: snapshot.machineClock),
      ]
    }
    let rest = snapshots.count - rows.count
    return table("snapshots", [header] + rows, hasHeader: true, rightAligned: [3, 4, 5])
      + fact("", rest > 0 ? "and \(rest) more" : nil, indent: Self.imageIndent)
  }

  /// Lines of columns beside a key.
  private func table(
    _ key: String, _ rows: [[String]], hasHeader: Bool = false, rightAligned: Set<Int>
  ) -> [String] {
    let columns = rows.first?.count ?? 0
    let widths = (0..<columns).map { column in
      // A long name pushes only its own line to the right.
      rows.map { InspectFormat.columns(of: $0[column]) }.filter { $0 <= 40 }.max() ?? 0
    }
    return rows.enumerated().map { number, row in
      var line = ""
      for (column, text) in row.enumerated() {
        let padding = String(repeating: " ", count: max(0, widths[column] - InspectFormat.columns(of: text)))
        line += (column == 0 ? "" : "  ") + (rightAligned.contains(column) ? padding + text : text + padding)
      }
      while line.hasSuffix(" ") { line.removeLast() }
      let stem = number == 0 ? padded(key) : String(repeating: " ", count: Self.keyWidth)
      return Self.imageIndent + stem + ink(line, hasHeader && number == 0 ? .dim : .plain)
    }
  }

  /// The chain as a tree: what stands behind an image is drawn below it.
  private func backingFiles(_ images: [ImageLayer]) -> [String] {
    var lines: [String] = []
    for (depth, image) in images.enumerated().dropFirst() {
      let key = depth == 1 ? padded("backing") : String(repeating: " ", count: Self.keyWidth)
      let branch = depth == 1 ? "" : String(repeating: "   ", count: min(depth, Self.deepest) - 2) + glyphs.last
      var text = heading(of: image, size: image.size)
      // VDI names its parent by UUID.
      let child = images[depth - 1]
      if let name = child.summary.parentName, child.format != .vdi,
        Self.lastName(in: name) != image.path.lastComponent?.string
      {
        text += ", in place of \(Escaped.text(name))"
      }
      let name = Self.name(of: image.path)
      let stem = Self.imageIndent + key + ink(branch, .dim)
      let hanging = String(repeating: " ", count: visibleWidth(stem) + 2)
      // What does not fit beside the name stands below it.
      var rest = style.width - hanging.count - InspectFormat.columns(of: name)
      var line = stem + ink(name, .name) + " "
      for fact in text.split(separator: " ") {
        if fact.count + 1 > rest {
          lines.append(line)
          line = hanging
          rest = style.width - hanging.count
        } else {
          line += " "
        }
        line += fact
        rest -= fact.count + 1
      }
      lines.append(line)
    }
    return lines
  }

  /// Without what says nothing: names in images often begin with it.
  private static func name(of path: FilePath) -> String {
    let name = Escaped.text(path.string)
    return name.hasPrefix("./") ? String(name.dropFirst(2)) : name
  }

  /// A name may be one of Windows.
  private static func lastName(in name: String) -> String {
    String(name.split { $0 == "/" || $0 == "\\" }.last ?? "")
  }
}
