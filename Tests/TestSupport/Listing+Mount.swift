internal import CTestSupport
internal import Glibc

extension Listing {
  /// Walks a directory of the host: the kernel's mount of an image, or one of ours.
  ///
  /// - Parameter reading: whether contents, hole maps and attributes are looked at too.
  public init(ofDirectory root: String, reading: Bool = true) {
    self.init()
    var walk = MountWalk(root: Array(root.utf8), reading: reading)
    walk.visit([], ancestors: [])
    self = walk.listing
  }
}

private struct MountWalk {
  let root: [UInt8]
  let reading: Bool
  var listing = Listing()
  private var buffer = [UInt8](repeating: 0, count: 1 << 20)

  init(root: [UInt8], reading: Bool) {
    self.root = root
    self.reading = reading
  }

  mutating func visit(_ path: [UInt8], ancestors: [UInt64]) {
    let full = (root + path).map { CChar(bitPattern: $0) } + [0]
    let shown = path.isEmpty ? [UInt8(ascii: "/")] : path
    var status = test_status()
    // Safe, here and below: the path is terminated above, and the kernel fills what it is given the size of.
    let result = unsafe test_status(full, &status)
    guard result == 0 else {
      listing.add(shown, ["status=!\(errnoName(-result))"])
      return
    }
    var fields = ListingFields()
    let type = UInt16(truncatingIfNeeded: status.mode) & UInt16(S_IFMT)
    fields.status(
      type: typeName(type), permissions: UInt16(truncatingIfNeeded: status.mode) & 0o7777, owner: status.owner,
      group: status.group, links: status.links, size: status.size, blocks: status.blocks)
    fields.time("mtime", seconds: status.modified.seconds, nanoseconds: status.modified.nanoseconds)
    fields.time("ctime", seconds: status.changed.seconds, nanoseconds: status.changed.nanoseconds)
    fields.time("atime", seconds: status.accessed.seconds, nanoseconds: status.accessed.nanoseconds)
    if status.has_created != 0 {
      fields.time("crtime", seconds: status.created.seconds, nanoseconds: status.created.nanoseconds)
    }
    if type == S_IFCHR || type == S_IFBLK { fields.device(major: status.device_major, minor: status.device_minor) }
    if type == S_IFLNK { link(full, &fields) }
    if reading { attributes(full, &fields) }
    let contentsIndex = fields.fields.count
    if reading && type == S_IFREG { contents(full, status.size, &fields) }
    fields.tellMissingKeyOnce(from: contentsIndex)
    var names: [[UInt8]] = []
    if type == S_IFDIR {
      if ancestors.contains(status.inode) {
        fields.failure("list", "ELOOP")
      } else {
        names = list(full, &fields)
      }
    }
    listing.add(shown, fields.fields)
    for name in names { visit(path + [UInt8(ascii: "/")] + name, ancestors: ancestors + [status.inode]) }
  }

  private func typeName(_ type: UInt16) -> String {
    switch mode_t(type) {
    case S_IFREG: "file"
    case S_IFDIR: "dir"
    case S_IFLNK: "link"
    case S_IFCHR: "char"
    case S_IFBLK: "block"
    case S_IFIFO: "fifo"
    case S_IFSOCK: "socket"
    default: "type\(type)"
    }
  }

  private mutating func link(_ path: [CChar], _ fields: inout ListingFields) {
    var target = [UInt8](repeating: 0, count: 8192)
    let count = unsafe target.withUnsafeMutableBytes { unsafe readlink(path, $0.baseAddress!, $0.count) }
    if count < 0 { fields.failure("target", errnoName(errno)) } else { fields.target(Array(target.prefix(count))) }
  }

  private mutating func attributes(_ path: [CChar], _ fields: inout ListingFields) {
    var names = [CChar](repeating: 0, count: 1 << 17)
    let count = unsafe test_list_attributes(path, &names, names.count)
    // A filesystem without any says so in its own way.
    if count == -Int64(EOPNOTSUPP) { return }
    guard count >= 0 else {
      fields.failure("xattrs", errnoName(Int32(-count)))
      return
    }
    let bytes = names.prefix(Int(count)).map { UInt8(bitPattern: $0) }
    let sorted = bytes.split(separator: 0).map(Array.init).sorted { $0.lexicographicallyPrecedes($1) }
    for name in sorted {
      let terminated = name.map { CChar(bitPattern: $0) } + [0]
      let length = unsafe test_get_attribute(path, terminated, &buffer, buffer.count)
      if length < 0 {
        fields.failure("xattr:" + Listing.quoted(name), errnoName(Int32(-length)))
      } else {
        fields.attribute(name, Array(buffer.prefix(Int(length))))
      }
    }
  }

  private mutating func contents(_ path: [CChar], _ size: UInt64, _ fields: inout ListingFields) {
    let file = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
    guard file >= 0 else {
      fields.failure("open", errnoName(errno))
      return
    }
    defer { close(file) }
    var ranges: [Range<UInt64>] = []
    var position: Int64 = 0
    var known = true
    while position < Int64(size) {
      let data = test_seek_data(file, position)
      if data == -Int64(ENXIO) { break }
      let hole = data < 0 ? data : test_seek_hole(file, data)
      guard data >= 0, hole > data else {
        fields.failure("data", errnoName(Int32(-min(data, hole))))
        known = false
        break
      }
      ranges.append(UInt64(data)..<min(UInt64(hole), size))
      position = hole
    }
    if known { fields.data(ranges) }
    var hash = ContentHash()
    if size > wholeHashLimit {
      for range in ranges {
        hash.update(Array("\(range.lowerBound)-\(range.upperBound)\n".utf8))
        guard read(file, range, &hash, &fields) else { return }
      }
    } else {
      guard read(file, 0..<size, &hash, &fields) else { return }
    }
    fields.fields.append("sha256=" + hash.finish())
  }

  private mutating func read(
    _ file: Int32, _ range: Range<UInt64>, _ hash: inout ContentHash, _ fields: inout ListingFields
  ) -> Bool {
    var position = range.lowerBound
    while position < range.upperBound {
      let wanted = Int(min(UInt64(buffer.count), range.upperBound - position))
      let count = unsafe buffer.withUnsafeMutableBytes { unsafe pread(file, $0.baseAddress!, wanted, off_t(position)) }
      guard count > 0 else {
        fields.failure("sha256", count == 0 ? "short" : errnoName(errno))
        return false
      }
      hash.update(Array(buffer.prefix(count)))
      position += UInt64(count)
    }
    return true
  }

  private func list(_ path: [CChar], _ fields: inout ListingFields) -> [[UInt8]] {
    guard let directory = unsafe opendir(path) else {
      fields.failure("list", errnoName(errno))
      return []
    }
    defer { unsafe closedir(directory) }
    var names: [[UInt8]] = []
    while true {
      errno = 0
      guard let entry = unsafe readdir(directory) else {
        if errno != 0 { fields.failure("list", errnoName(errno)) }
        break
      }
      let name: [UInt8] = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
        unsafe Array(bytes.prefix { $0 != 0 })
      }
      if name != [46] && name != [46, 46] { names.append(name) }
    }
    return names
  }
}
