internal import FileSystems

/// One member's header: a ustar header of 512 bytes (POSIX.1-2001, pax, "ustar Header Block"), and in front of it, where
/// that has no room for something, an extended header with records of "LENGTH KEY=VALUE\n".
struct TarHeader {
  enum Kind: UInt8 {
    case regular = 0x30
    case hardLink = 0x31
    case symbolicLink = 0x32
    case characterDevice = 0x33
    case blockDevice = 0x34
    case directory = 0x35
    case fifo = 0x36
    case extendedHeader = 0x78
  }

  var kind: Kind
  /// With a slash at the end for a folder.
  var name: [UInt8]
  var linkName: [UInt8] = []
  var permissions: UInt16
  var owner: UInt32 = 0
  var group: UInt32 = 0
  /// Bytes behind the header.
  var size: UInt64 = 0
  var modified: Timestamp
  var accessed: Timestamp?
  var device: DeviceNumber?
  /// What goes into the extended header beside what has no room in this one.
  var records: [(key: [UInt8], value: [UInt8])] = []

  static let blockSize = 512

  init(kind: Kind, name: [UInt8], permissions: UInt16, modified: Timestamp) {
    self.kind = kind
    self.name = name
    self.permissions = permissions
    self.modified = modified
  }

  init(kind: Kind, name: [UInt8], of attributes: Attributes) {
    self.init(kind: kind, name: name, permissions: attributes.permissions, modified: attributes.modified)
    owner = attributes.owner
    group = attributes.group
    accessed = attributes.accessed
    if kind == .characterDevice || kind == .blockDevice { device = attributes.deviceNumber }
  }

  mutating func add(_ key: String, _ value: [UInt8]) { records.append((Array(key.utf8), value)) }
  mutating func add(_ key: String, _ value: String) { add(key, Array(value.utf8)) }

  /// Appends the header, with all that it needs in front.
  func write(to output: inout [UInt8]) {
    var header = self
    var needed: [(key: [UInt8], value: [UInt8])] = []
    func need(_ key: String, _ value: [UInt8]) { needed.append((Array(key.utf8), value)) }
    let needsName = name.count > 100 && splitName == nil
    if needsName { need("path", name) }
    if linkName.count > 100 { need("linkpath", linkName) }
    if size > Self.most(11) { need("size", Array("\(size)".utf8)) }
    if owner > Self.most(7) { need("uid", Array("\(owner)".utf8)) }
    if group > Self.most(7) { need("gid", Array("\(group)".utf8)) }
    if let device {
      if device.major > Self.most(7) { need("SCHILY.devmajor", Array("\(device.major)".utf8)) }
      if device.minor > Self.most(7) { need("SCHILY.devminor", Array("\(device.minor)".utf8)) }
    }
    if modified.nonOctal { need("mtime", modified.decimal) }
    needed += records
    if !needed.isEmpty {
      // It costs nothing where there is an extended header anyway.
      if let accessed { need("atime", accessed.decimal) }
      if [name, linkName].contains(where: { $0.count > 100 && String(validating: $0, as: UTF8.self) == nil }) {
        needed.insert((Array("hdrcharset".utf8), Array("BINARY".utf8)), at: 0)
      }
      writeExtendedHeader(needed, to: &output)
      if needsName { header.name = Array(name.prefix(100)) }
    }
    header.writeBlock(to: &output)
  }

  private func writeExtendedHeader(_ records: [(key: [UInt8], value: [UInt8])], to output: inout [UInt8]) {
    var body: [UInt8] = []
    for (key, value) in records {
      // The length counts its own digits.
      let rest = key.count + value.count + 3
      var length = rest + 1
      while String(length).utf8.count + rest != length { length = String(length).utf8.count + rest }
      body += Array("\(length) ".utf8)
      body += key
      body.append(UInt8(ascii: "="))
      body += value
      body.append(UInt8(ascii: "\n"))
    }
    // Who does not know extended headers sees files of these names.
    let last = name.split(separator: UInt8(ascii: "/")).last.map { Array($0.prefix(80)) } ?? []
    var header = TarHeader(
      kind: .extendedHeader, name: Array("PaxHeaders/".utf8) + last, permissions: 0o644, modified: Timestamp(seconds: 0)
    )
    header.size = UInt64(body.count)
    header.writeBlock(to: &output)
    output += body
    Self.pad(&output, behind: header.size)
  }

  /// Zeros up to the end of the block in which `size` bytes end.
  static func pad(_ output: inout [UInt8], behind size: UInt64) {
    output.append(contentsOf: repeatElement(0, count: padding(behind: size)))
  }

  static func padding(behind size: UInt64) -> Int { (blockSize - Int(size % UInt64(blockSize))) % blockSize }

  private func writeBlock(to output: inout [UInt8]) {
    let start = output.count
    let split = splitName ?? (prefix: [], rest: Array(name.prefix(100))[...])
    Self.put(split.rest, 100, to: &output)
    Self.putOctal(UInt64(permissions & 0o7777), 8, to: &output)
    Self.putOctal(UInt64(owner), 8, to: &output)
    Self.putOctal(UInt64(group), 8, to: &output)
    Self.putOctal(size, 12, to: &output)
    Self.putOctal(modified.seconds < 0 ? 0 : UInt64(modified.seconds), 12, to: &output)
    // The sum is made as if its own place held blanks.
    output.append(contentsOf: repeatElement(UInt8(ascii: " "), count: 8))
    output.append(kind.rawValue)
    Self.put(Array(linkName.prefix(100))[...], 100, to: &output)
    Self.put(Array("ustar\u{0}00".utf8)[...], 8, to: &output)
    output.append(contentsOf: repeatElement(0, count: 64))
    Self.putOctal(UInt64(device?.major ?? 0), 8, to: &output)
    Self.putOctal(UInt64(device?.minor ?? 0), 8, to: &output)
    Self.put(split.prefix, 155, to: &output)
    output.append(contentsOf: repeatElement(0, count: 12))
    var sum: UInt32 = 0
    for index in start..<output.count { sum += UInt32(output[index]) }
    var digits: [UInt8] = []
    Self.putOctal(UInt64(sum), 7, to: &digits)
    for (index, digit) in digits.enumerated() { output[start + 148 + index] = digit }
  }

  /// The name as the header's two fields have it, divided at a slash; nil where they have no room.
  private var splitName: (prefix: ArraySlice<UInt8>, rest: ArraySlice<UInt8>)? {
    if name.count <= 100 { return ([], name[...]) }
    guard name.count <= 256 else { return nil }
    // The last slash of those that leave the prefix small enough; the rest is as short as it can be.
    guard let slash = name[..<min(156, name.count - 1)].lastIndex(of: UInt8(ascii: "/")), slash > 0,
      name.count - slash - 1 <= 100
    else { return nil }
    return (name[..<slash], name[(slash + 1)...])
  }

  private static func put(_ bytes: ArraySlice<UInt8>, _ count: Int, to output: inout [UInt8]) {
    output += bytes
    output.append(contentsOf: repeatElement(0, count: count - bytes.count))
  }

  /// Octal digits with a NUL behind them, `count` bytes together; zeros where there is no room for the number.
  private static func putOctal(_ number: UInt64, _ count: Int, to output: inout [UInt8]) {
    let number = number > most(count - 1) ? 0 : number
    var shift = 3 * (count - 1)
    while shift > 0 {
      shift -= 3
      output.append(UInt8(ascii: "0") + UInt8(number >> UInt64(shift) & 7))
    }
    output.append(0)
  }

  /// The largest number of so many octal digits.
  private static func most(_ digits: Int) -> UInt64 { (1 << (3 * UInt64(digits))) - 1 }
}

extension Timestamp {
  /// Whether a header's twelve bytes have no room for it.
  fileprivate var nonOctal: Bool { nanoseconds != 0 || seconds < 0 || seconds > 0o77_777_777_777 }

  /// Seconds since 1970 with all the digits that are needed behind the point.
  fileprivate var decimal: [UInt8] {
    // Before 1970 the fraction counts the other way.
    let isNegative = seconds < 0 && nanoseconds > 0
    let whole = isNegative ? seconds + 1 : seconds
    let part = isNegative ? 1_000_000_000 - min(nanoseconds, 1_000_000_000) : nanoseconds
    var text = (isNegative && whole == 0 ? "-" : "") + "\(whole)"
    if part > 0 {
      let digits = "\(part)"
      text += "." + String(repeating: "0", count: max(0, 9 - digits.count)) + digits
      while text.last == "0" { text.removeLast() }
    }
    return Array(text.utf8)
  }
}
