internal import DiskImages
internal import DiskStack
internal import SystemPackage

extension MountOptions {
  /// Applies a list as `-o` takes it: "ro,uid=1000,fsname=a\,b". A later option overrides an earlier one.
  public mutating func apply(_ list: String) throws(OptionError) {
    for option in Self.split(list) where !option.isEmpty {
      let name: String
      let value: String?
      if let separator = option.firstIndex(of: "=") {
        name = String(option[..<separator])
        value = String(option[option.index(after: separator)...])
      } else {
        name = option
        value = nil
      }
      if try applyFlag(name, value) { continue }
      guard let value else {
        throw OptionError(
          Self.valued.contains(name)
            ? "option \"\(name)\" needs a value: \(name)=…"
            : "unknown option \"\(name)\"; see vitrine-mount(1) for what -o takes")
      }
      try applyValue(name, value)
    }
  }

  /// The parts between commas; a backslash takes the comma or backslash behind it literally.
  static func split(_ list: String) -> [String] {
    var parts: [String] = []
    var part = ""
    var characters = list.makeIterator()
    while let character = characters.next() {
      if character == "\\", let next = characters.next() {
        if next != "," && next != "\\" { part.append(character) }
        part.append(next)
      } else if character == "," {
        parts.append(part)
        part = ""
      } else {
        part.append(character)
      }
    }
    parts.append(part)
    return parts
  }

  private static let valued: Set<String> = [
    "uid", "gid", "umask", "fmask", "dmask", "offset", "sizelimit", "sector_size", "partition", "part", "view", "cache",
    "reply", "format", "snapshot", "backing_file", "device", "fsname", "subtype", "timeout", "attr_timeout",
    "entry_timeout", "negative_timeout", "max_read", "decode_cache", "decode_threads",
  ]

  /// What mount(8), fstab(5) and systemd put into the list for themselves, and what asks for what is so anyway.
  private static let ignored: Set<String> = [
    "ro", "defaults", "auto", "noauto", "user", "nouser", "users", "nousers", "owner", "noowner", "group", "nogroup",
    "_netdev", "nofail", "loop", "noload", "norecovery", "silent", "loud", "nolazytime", "noiversion", "nomand",
    "splice_read", "splice_write", "async_read", "big_writes", "kernel_cache", "auto_cache", "use_ino", "readdir_ino",
    "norelatime", "nostrictatime",
  ]

  /// What libfuse hands to the kernel.
  private static let kernel: Set<String> = [
    "sync", "async", "dirsync", "atime", "noatime", "diratime", "nodiratime", "relatime", "strictatime",
  ]

  /// Applies an option without a value; false where `name` is none.
  private mutating func applyFlag(_ name: String, _ value: String?) throws(OptionError) -> Bool {
    if name.hasPrefix("x-") || name.hasPrefix("X-") || name == "comment" || name.hasPrefix("context")
      || name == "helper" || name == "uhelper"
    {
      return true
    }
    guard value == nil else { return false }
    if Self.ignored.contains(name) { return true }
    switch name {
    case "rw":
      throw OptionError(
        "images are only ever opened read-only; mount with -o ro (in fstab: \"ro\" in place of \"defaults\" or \"rw\")")
    case "remount":
      throw OptionError("a mount cannot be changed; unmount it and mount it anew")
    case "allow_external_files": image.allowsExternalFiles = true
    case "allow_other": allowsOthers = true
    case "allow_root": allowsRoot = true
    case "default_permissions": checksPermissions = true
    case "dev": allowsDevices = true
    case "nodev": allowsDevices = false
    case "suid": allowsSetUserID = true
    case "nosuid": allowsSetUserID = false
    case "exec": allowsExecution = true
    case "noexec": allowsExecution = false
    case "nonempty": allowsNonEmpty = true
    case "direct_io": cache = .never
    case _ where Self.kernel.contains(name):
      // "atime" and the like undo their opposites, and nothing here has a time to keep.
      if name.hasPrefix("no") { kernelOptions.append(name) }
    default: return false
    }
    return true
  }

  private mutating func applyValue(_ name: String, _ value: String) throws(OptionError) {
    switch name {
    case "uid": owner = try Self.identity(value, name)
    case "gid": group = try Self.identity(value, name)
    case "umask":
      fileMask = try Self.mask(value, name)
      directoryMask = fileMask
    case "fmask": fileMask = try Self.mask(value, name)
    case "dmask": directoryMask = try Self.mask(value, name)
    case "offset": offset = try Self.bytes(value, name)
    case "sizelimit":
      let limit = try Self.bytes(value, name)
      sizeLimit = limit == 0 ? nil : limit
    case "sector_size":
      guard let size = Int(value), DiskStack.Options.isSectorSize(size) else {
        throw OptionError("option \"sector_size\" takes 512, 1024, 2048, 4096 … 65536, not \"\(value)\"")
      }
      sectorSize = size
    case "partition", "part": try select(value)
    case "view": view = try Self.choice(value, name)
    case "cache": cache = try Self.choice(value, name)
    case "reply": reply = try Self.choice(value, name)
    case "format":
      guard let format = ImageFormat(named: value) else {
        throw OptionError(
          "option \"format\" takes one of \(ImageFormat.names.joined(separator: ", ")), not \"\(value)\"")
      }
      image.format = format
    case "snapshot":
      guard !value.isEmpty else { throw OptionError("option \"snapshot\" needs a value: snapshot=…") }
      image.snapshot = value
    case "backing_file":
      guard !value.isEmpty else { throw OptionError("option \"backing_file\" needs a value: backing_file=…") }
      image.backingFile = FilePath(value)
    case "device":
      guard !value.isEmpty else { throw OptionError("option \"device\" needs a value: device=…") }
      image.devices.append(FilePath(value))
    case "fsname": sourceName = value
    case "subtype":
      guard !value.isEmpty else { throw OptionError("option \"subtype\" needs a value: subtype=…") }
      subtype = value
    case "timeout":
      let seconds = try Self.seconds(value, name)
      idleTimeout = seconds == 0 ? nil : seconds
    case "attr_timeout", "entry_timeout", "negative_timeout":
      let seconds = try Self.seconds(value, name)
      timeout = min(timeout ?? seconds, seconds)
    case "decode_cache":
      let size = try Self.bytes(value, name)
      guard size <= 1 << 40 else { throw OptionError("option \"decode_cache\" takes at most 1T, not \"\(value)\"") }
      decodeCache = Int(size)
    case "decode_threads":
      guard let count = Int(value), (0...64).contains(count) else {
        throw OptionError("option \"decode_threads\" takes a number from 0 to 64, not \"\(value)\"")
      }
      decodeThreads = count
    case "max_read":
      guard UInt64(value) == UInt64(ReadContext.largestRead) else {
        throw OptionError("option \"max_read\" is \(ReadContext.largestRead) here and nothing else")
      }
    case "max_background", "congestion_threshold", "max_readahead", "max_write", "max_idle_threads", "max_threads":
      throw OptionError("option \"\(name)\" cannot be chosen here; leave it out")
    default:
      throw OptionError("unknown option \"\(name)\"; see vitrine-mount(1) for what -o takes")
    }
  }

  /// Chooses the volume that `text` names.
  public mutating func select(_ text: String) throws(OptionError) {
    guard let selector = VolumeSelector(text) else {
      throw OptionError(
        "\"\(text)\" names no partition; give a number or LABEL=, UUID=, PARTLABEL= or PARTUUID=")
    }
    volume = selector
    volumeText = text
  }

  private static func identity(_ text: String, _ name: String) throws(OptionError) -> UInt32 {
    // The greatest number means "no one" to the kernel.
    guard let number = UInt32(text), number != .max else {
      throw OptionError("option \"\(name)\" takes a number, not \"\(text)\"")
    }
    return number
  }

  private static func seconds(_ text: String, _ name: String) throws(OptionError) -> Double {
    guard let seconds = Double(text), seconds >= 0, seconds <= Session.longest else {
      throw OptionError("option \"\(name)\" takes seconds, not \"\(text)\"")
    }
    return seconds
  }

  private static func mask(_ text: String, _ name: String) throws(OptionError) -> UInt16 {
    guard let mask = UInt16(text, radix: 8), mask <= 0o7777 else {
      throw OptionError("option \"\(name)\" takes an octal mask such as 022, not \"\(text)\"")
    }
    return mask
  }

  /// Bytes as losetup(8) takes them: K, M, G, T for powers of 1024 (also KiB …), KB … for powers of 1000, and 0x….
  static func bytes(_ text: String, _ name: String) throws(OptionError) -> UInt64 {
    let problem = OptionError("option \"\(name)\" takes bytes such as 1048576 or 1M, not \"\(text)\"")
    if text.hasPrefix("0x") || text.hasPrefix("0X") {
      guard let number = UInt64(text.dropFirst(2), radix: 16) else { throw problem }
      return number
    }
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    guard let number = UInt64(digits) else { throw problem }
    let suffix = text.dropFirst(digits.count).uppercased()
    guard let letter = suffix.first else { return number }
    guard let power = Array("BKMGTPE").firstIndex(of: letter) else { throw problem }
    let base: UInt64
    switch suffix.dropFirst() {
    case "", "IB": base = 1024
    case "B": base = 1000
    default: throw problem
    }
    if power == 0 && suffix.count > 1 { throw problem }
    var result = number
    for _ in 0..<power {
      let (product, overflow) = result.multipliedReportingOverflow(by: base)
      guard !overflow else { throw problem }
      result = product
    }
    return result
  }

  private static func choice<T: RawRepresentable & CaseIterable>(
    _ text: String, _ name: String
  ) throws(OptionError) -> T where T.RawValue == String {
    guard let value = T(rawValue: text) else {
      let all = T.allCases.map(\.rawValue).joined(separator: " or ")
      throw OptionError("option \"\(name)\" takes \(all), not \"\(text)\"")
    }
    return value
  }
}
