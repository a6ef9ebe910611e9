internal import BlockDevices
public import Bytes
public import FileSystems
internal import Glibc
internal import SystemPackage

extension Listing {
  /// Walks a filesystem by its driver, with no mount.
  public init(of fileSystem: any FileSystem, reading: Bool = true) {
    self.init()
    var walk = FileSystemWalk(fileSystem: fileSystem, reading: reading)
    walk.visit(fileSystem.root, [], ancestors: [])
    self = walk.listing
  }
}

extension ReadError {
  /// The errno that a mount answers with.
  public var errnoName: String {
    switch cause {
    case .corrupt, .checksum, .truncated: "EIO"
    case .unsupported: "ENOTSUP"
    case .encrypted: "ENOKEY"
    case .io(let errno): TestSupport.errnoName(errno.rawValue)
    }
  }
}

private struct FileSystemWalk {
  let fileSystem: any FileSystem
  let reading: Bool
  var listing = Listing()

  init(fileSystem: any FileSystem, reading: Bool) {
    self.fileSystem = fileSystem
    self.reading = reading
  }

  mutating func visit(_ node: NodeID, _ path: [UInt8], ancestors: [NodeID]) {
    let shown = path.isEmpty ? [UInt8(ascii: "/")] : path
    let attributes: Attributes
    do {
      attributes = try fileSystem.attributes(of: node)
    } catch {
      listing.add(shown, ["status=!\(error.errnoName)"])
      return
    }
    var fields = ListingFields()
    fields.status(
      type: typeName(attributes.type), permissions: attributes.permissions, owner: attributes.owner,
      group: attributes.group, links: attributes.linkCount, size: attributes.size,
      blocks: attributes.allocatedSize / 512)
    fields.time("mtime", attributes.modified)
    fields.time("ctime", attributes.changed)
    fields.time("atime", attributes.accessed)
    if let created = attributes.created { fields.time("crtime", created) }
    if let device = attributes.deviceNumber { fields.device(major: device.major, minor: device.minor) }
    if attributes.type == .symbolicLink {
      do { fields.target(try fileSystem.linkTarget(of: node)) } catch { fields.failure("target", error.errnoName) }
    }
    if reading { extendedAttributes(node, &fields) }
    let contentsIndex = fields.fields.count
    if reading && attributes.type == .regular { contents(node, attributes.size, &fields) }
    fields.tellMissingKeyOnce(from: contentsIndex)
    var entries: [(name: [UInt8], entry: DirectoryEntry)] = []
    if attributes.type == .directory {
      if ancestors.contains(node) {
        fields.failure("list", "ELOOP")
      } else {
        entries = list(node, &fields)
      }
    }
    listing.add(shown, fields.fields)
    let firsts = Dictionary(entries.map { ($0.name, $0.entry.node) }, uniquingKeysWith: { first, _ in first })
    for (name, entry) in entries {
      let child = path + [UInt8(ascii: "/")] + name
      // A name that is listed must be found, and lead to the same node (the first of them, if it is there twice).
      do {
        let found = try fileSystem.lookup(name.rawSpan, in: node)
        guard found == firsts[name] else {
          listing.add(child, ["status=!notfound"])
          continue
        }
        guard found == entry.node else { continue }
      } catch {
        listing.add(child, ["status=!\(error.errnoName)"])
        continue
      }
      visit(entry.node, child, ancestors: ancestors + [node])
    }
  }

  private func typeName(_ type: NodeType) -> String {
    switch type {
    case .regular: "file"
    case .directory: "dir"
    case .symbolicLink: "link"
    case .characterDevice: "char"
    case .blockDevice: "block"
    case .fifo: "fifo"
    case .socket: "socket"
    }
  }

  private func extendedAttributes(_ node: NodeID, _ fields: inout ListingFields) {
    let names: [[UInt8]]
    do {
      names = try fileSystem.extendedAttributeNames(of: node)
    } catch {
      fields.failure("xattrs", error.errnoName)
      return
    }
    for name in names.sorted(by: { $0.lexicographicallyPrecedes($1) }) {
      do {
        if let value = try fileSystem.extendedAttribute(name.rawSpan, of: node) {
          fields.attribute(name, value)
        } else {
          fields.failure("xattr:" + Listing.quoted(name), "ENODATA")
        }
      } catch {
        fields.failure("xattr:" + Listing.quoted(name), error.errnoName)
      }
    }
  }

  private func contents(_ node: NodeID, _ size: UInt64, _ fields: inout ListingFields) {
    let device: any BlockDevice
    do {
      device = try fileSystem.file(node)
    } catch {
      fields.failure("open", error.errnoName)
      return
    }
    var ranges: [Range<UInt64>] = []
    do {
      ranges = try dataRanges(node, size)
      fields.data(ranges)
    } catch {
      fields.failure("data", error.errnoName)
    }
    var hash = ContentHash()
    do {
      if size > wholeHashLimit {
        for range in ranges {
          hash.update(Array("\(range.lowerBound)-\(range.upperBound)\n".utf8))
          try read(device, range, &hash)
        }
      } else {
        try read(device, 0..<size, &hash)
      }
      fields.fields.append("sha256=" + hash.finish())
    } catch {
      fields.failure("sha256", error.errnoName)
    }
  }

  private func dataRanges(_ node: NodeID, _ size: UInt64) throws(ReadError) -> [Range<UInt64>] {
    var ranges: [Range<UInt64>] = []
    var extents = ExtentList(limit: 64)
    var position: UInt64 = 0
    while position < size {
      extents.removeAll()
      try fileSystem.map(node, position..<size, into: &extents)
      guard extents.length > 0 else { throw .corrupt("extent map without extents") }
      for extent in extents.extents {
        switch extent.kind {
        case .hole, .unwritten: break
        case .mapped, .encoded:
          if let last = ranges.last, last.upperBound == position {
            ranges[ranges.count - 1] = last.lowerBound..<(position + extent.length)
          } else {
            ranges.append(position..<(position + extent.length))
          }
        }
        position += extent.length
      }
    }
    return ranges
  }

  private func read(_ device: any BlockDevice, _ range: Range<UInt64>, _ hash: inout ContentHash) throws(ReadError) {
    var position = range.lowerBound
    while position < range.upperBound {
      let count = Int(min(1 << 20, range.upperBound - position))
      hash.update(try device.bytes(count, at: position))
      position += UInt64(count)
    }
  }

  private func list(_ node: NodeID, _ fields: inout ListingFields) -> [(name: [UInt8], entry: DirectoryEntry)] {
    var entries: [(name: [UInt8], entry: DirectoryEntry)] = []
    do {
      try fileSystem.list(node, from: 0) { name, entry in
        entries.append((name.bytes, entry))
        return true
      }
    } catch {
      fields.failure("list", error.errnoName)
    }
    return entries
  }
}

extension RawSpan {
  /// A copy of the bytes.
  public var bytes: [UInt8] {
    .filled(byteCount) { out in out.append(contentsOf: self) }
  }
}

extension ListingFields {
  fileprivate mutating func time(_ key: String, _ time: Timestamp) {
    self.time(key, seconds: time.seconds, nanoseconds: time.nanoseconds)
  }
}
